import type { Shard } from '../postgres/shard.ts';
import type { Announcer } from '../queue/announcements.ts';
import type { ClaimRow } from '../queue/claim-desk.ts';
import type { Claims } from '../queue/claims.ts';
import type { Topics } from '../queue/topics.ts';
import type { QueueTraffic } from './traffic.ts';

/** A row of the statement that claims items of the priority queue. */
export interface ClaimQueueItemRow extends ClaimRow {
  readonly given_priority: number;
  readonly attempts_counted: number;
  readonly payload: Uint8Array;
  readonly metadata: unknown;
  readonly item_enqueued_at: string;
  readonly item_enqueued_by: string;
  readonly item_expires_at: string | null;
  readonly item_unique_key: string | null;
  readonly item_last_reason: string | null;
  readonly item_origin_topic_id: number | null;
  readonly item_died_at: string | null;
  readonly max_attempts: number;
}

/** The parts of one shard's engine on which the verbs of the priority queue stand. */
export interface QueueEngine {
  readonly shard: Shard;
  readonly topics: Topics;
  readonly claims: Claims<ClaimQueueItemRow>;
  readonly announcer: Announcer;
  readonly traffic: QueueTraffic;
}
