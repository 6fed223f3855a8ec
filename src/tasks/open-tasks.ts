import type { Announcer } from '../queue/announcements.ts';
import { announceReady } from '../queue/announcements.ts';
import type { Topics } from '../queue/topics.ts';

/** A row of a statement that may make tasks ready. */
export interface OpenedRow {
  /** 'released': it became ready, and wants a ticket. 'kept': it was ready before, and may stand elsewhere in the order. */
  readonly outcome: string;
  readonly item_id: string;
  readonly topic_id: number;
  readonly priority: number;
  readonly deliver_after: string;
}

/** After the commit: says which tasks became ready, and issues their tickets. Losing that is healed by the reconciler. */
export async function openTasks(topics: Topics, announcer: Announcer, rows: readonly OpenedRow[]): Promise<void> {
  const ready = rows.filter((row) => row.outcome === 'released' || row.outcome === 'kept');
  if (ready.length === 0) return;
  await topics.byIds(ready.map((row) => row.topic_id));
  const items = ready.map((row) => ({
    topic: topics.byId(row.topic_id)!,
    key: { priority: row.priority, deliverAfter: row.deliver_after, id: row.item_id },
    isNew: row.outcome === 'released',
  }));
  announceReady(announcer, items);
  const opened = items.filter((item) => item.isNew);
  announcer.issueTickets(opened.map(({ topic, key }) => ({ topic, itemId: key.id, priority: key.priority })));
}
