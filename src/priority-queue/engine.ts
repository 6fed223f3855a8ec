import type { Shard } from '../postgres/shard.ts';
import type { Announcer } from '../queue/announcements.ts';
import type { BatchRow } from '../queue/batch-desk.ts';
import type { Topics } from '../queue/topics.ts';
import type { QueueTraffic } from './traffic.ts';

/** What an item seldom has. */
export interface TakenItemNote {
  readonly expiresAt: string | null;
  readonly uniqueKey: string | null;
  readonly lastReason: string | null;
  readonly originTopicId: number | null;
  readonly diedAt: string | null;
}

/** A row of the statement that takes items of the priority queue. */
export interface TakenItemRow extends BatchRow {
  readonly given_priority: number;
  readonly attempts_counted: number;
  readonly expires_at: string;
  readonly payload: Uint8Array;
  readonly metadata: unknown;
  readonly item_enqueued_at: string;
  readonly item_enqueued_by: string;
  readonly note: TakenItemNote | null;
}

/** The parts of one shard's engine on which the verbs of the priority queue stand. */
export interface QueueEngine {
  readonly shard: Shard;
  readonly topics: Topics;
  readonly announcer: Announcer;
  readonly traffic: QueueTraffic;
}
