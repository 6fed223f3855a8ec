import type { Shard } from '../postgres/shard.ts';
import type { Announcer } from '../queue/announcements.ts';
import { announceReady } from '../queue/announcements.ts';
import type { Topics } from '../queue/topics.ts';
import { readTraces } from './task-traces.ts';

/** A row of a statement that may make tasks ready. */
export interface OpenedRow {
  /** 'released': it became ready, and wants a ticket. 'kept': it was ready before, and may stand elsewhere in the order. */
  readonly outcome: string;
  readonly item_id: string;
  readonly topic_id: number;
  readonly priority: number;
  readonly deliver_after: string;
}

export interface OpenTasksDependencies {
  readonly shard: Shard;
  readonly topics: Topics;
  readonly announcer: Announcer;
}

/** After the commit: says which tasks became ready, and issues their tickets. Losing that is healed by the reconciler. */
export async function openTasks(
  { shard, topics, announcer }: OpenTasksDependencies,
  rows: readonly OpenedRow[],
): Promise<void> {
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
  const traces = await readTraces(
    shard,
    opened.map(({ key }) => key.id),
  );
  announcer.issueTickets(
    opened.map(({ topic, key }) => ({
      topic,
      itemId: key.id,
      priority: key.priority,
      traceparent: traces.get(key.id) ?? null,
    })),
  );
}
