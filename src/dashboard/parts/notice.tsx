import type { ComponentChildren } from 'preact';

interface NoticeProps {
  readonly title: string;
  readonly tone?: 'plain' | 'bad' | 'warn';
  readonly children?: ComponentChildren;
}

/** A place with nothing to show, and why. */
export function Notice({ title, tone = 'plain', children }: NoticeProps) {
  return (
    <div class={`notice notice-${tone}`} role={tone === 'bad' ? 'alert' : undefined}>
      <strong>{title}</strong>
      {children !== undefined && <div>{children}</div>}
    </div>
  );
}

/** Stands where rows will be, of about their size, so that nothing jumps. */
export function Loading({ rows = 3 }: { readonly rows?: number }) {
  return (
    <div class="loading" aria-busy="true">
      <span class="hidden">Loading</span>
      {Array.from({ length: rows }, (_, index) => (
        <div key={index} class="loading-row" />
      ))}
    </div>
  );
}
