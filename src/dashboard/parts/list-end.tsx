import type { Pages } from '../live/use-pages.ts';
import { Button } from './button.tsx';
import { Loading, Notice } from './notice.tsx';

interface ListEndProps {
  readonly pages: Pages<unknown>;
  /** Said when there is nothing. */
  readonly empty: string;
  readonly fault: string;
}

/** What stands below, or in place of, a list's rows. */
export function ListEnd({ pages, empty, fault }: ListEndProps) {
  if (pages.fault !== undefined) {
    return (
      <Notice title={fault} tone="bad">
        <p>{pages.fault}</p>
        <Button onClick={() => pages.refresh()}>Try again</Button>
      </Notice>
    );
  }
  if (pages.rows === undefined) return <Loading rows={8} />;
  if (pages.rows.length === 0) return <Notice title={empty} />;
  if (!pages.hasMore) return null;
  return (
    <p class="more">
      <Button onClick={() => pages.more()}>Show more</Button>
    </p>
  );
}
