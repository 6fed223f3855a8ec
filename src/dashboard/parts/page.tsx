import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';

interface PageProps {
  readonly title: string;
  readonly aside?: ComponentChildren;
  readonly children: ComponentChildren;
  readonly narrow?: boolean;
}

/** A page with its heading; the heading is the window's title too. */
export function Page({ title, aside, children, narrow }: PageProps) {
  useTitle(title);
  return (
    <div class={narrow === true ? 'page page-narrow' : 'page'}>
      <header class="page-head">
        <h1>{title}</h1>
        {aside !== undefined && <div class="page-aside">{aside}</div>}
      </header>
      {children}
    </div>
  );
}

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} – Caseload`;
  }, [title]);
}
