import type { FeedEvent } from '../domain/event.ts';
import type { System } from '../domain/topic.ts';

export interface EventRow {
  readonly position: number;
  readonly sequence: number;
  readonly system: System;
  readonly namespace: string;
  readonly topic: string;
  /** Null for an event of several items. */
  readonly item_id: string | null;
  readonly type: string;
  readonly actor: string;
  readonly at: string;
  readonly attempt: number | null;
  readonly item_ids?: readonly string[] | null;
  readonly attempts?: readonly (number | null)[] | null;
}

export function toFeedEvent(shard: number, row: EventRow): FeedEvent {
  return {
    shard,
    position: row.position,
    sequence: row.sequence,
    system: row.system,
    namespace: row.namespace,
    topic: row.topic,
    itemId: row.item_id ?? row.item_ids?.[0] ?? '',
    type: row.type,
    actor: row.actor,
    at: `${row.at.slice(0, 10)}T${row.at.slice(11).replace(/\+00$/, 'Z')}`,
    attempt: row.attempt,
    ...(row.item_ids == null
      ? {}
      : { items: row.item_ids.map((id, n) => ({ id, attempt: row.attempts?.[n] ?? null })) }),
  };
}
