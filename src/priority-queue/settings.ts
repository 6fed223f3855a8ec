import { limits } from '../domain/limits.ts';
import type { QueueTopic } from '../domain/queue-item.ts';
import { RecentCache } from '../domain/recent-cache.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement, toDate } from '../postgres/sql.ts';
import { createBatcher } from '../queue/batcher.ts';

const readQueueTopics = loadStatement('read-queue-topics');

interface Row {
  readonly id: number;
  readonly namespace: string;
  readonly name: string;
  readonly lease_seconds: number;
  readonly max_attempts: number;
  readonly ttl_seconds: number | null;
  readonly payload_bytes_max: number;
  readonly depth_max: number | null;
  readonly in_flight_max: number | null;
  readonly enqueues_per_second: number | null;
  readonly ageing_seconds: number | null;
  readonly backoff_first_seconds: number | null;
  readonly backoff_factor: number | null;
  readonly backoff_cap_seconds: number | null;
  readonly dead_letter_topic: string | null;
  readonly shards: number;
  readonly history: boolean;
  readonly created_at: string;
  readonly paused_at: string | null;
  readonly paused_until: string | null;
  readonly paused_by: string | null;
  readonly pause_reason: string | null;
  readonly queue_depth_max: number | null;
  readonly queue_in_flight_max: number | null;
  readonly queue_enqueues_per_second: number | null;
}

/** Settings of topics as this process knows them: what another process changed is seen after a second at the latest. */
export class QueueSettings {
  readonly #shard: Shard;
  readonly #now: () => number;
  readonly #known = new RecentCache<{ readonly settings: QueueTopic; readonly readAt: number }>(10_000);
  readonly #read: (topicId: number) => Promise<QueueTopic>;

  /** @param now a monotonic clock, milliseconds */
  constructor(shard: Shard, now: () => number) {
    this.#shard = shard;
    this.#now = now;
    this.#read = createBatcher<number, QueueTopic>({ run: (ids) => this.#readMany(ids) });
  }

  /** The settings if they were read lately; hot paths ask here first. */
  known(topicId: number): QueueTopic | undefined {
    const entry = this.#known.get(String(topicId));
    if (entry === undefined || this.#now() - entry.readAt > limits.queueSettingsMilliseconds) return undefined;
    return entry.settings;
  }

  /** @throws Fault `UNAVAILABLE` */
  async get(topicId: number): Promise<QueueTopic> {
    return this.known(topicId) ?? this.#read(topicId);
  }

  /** Reads them anew, after a change. */
  refresh(topicId: number): Promise<QueueTopic> {
    return this.#read(topicId);
  }

  /** A namespace's topics by name, or one of them. */
  async list(namespace: string, name: string | null): Promise<readonly QueueTopic[]> {
    const rows = await this.#shard.run<Row>(readQueueTopics, [namespace, name, null, limits.queueTopicsListed]);
    return rows.map(toQueueTopic);
  }

  async #readMany(ids: readonly number[]): Promise<QueueTopic[]> {
    const readAt = this.#now();
    const rows = await this.#shard.run<Row>(readQueueTopics, [null, null, ids, ids.length]);
    const found = new Map(rows.map((row) => [row.id, toQueueTopic(row)]));
    for (const [id, settings] of found) this.#known.set(String(id), { settings, readAt });
    return ids.map((id) => found.get(id)!);
  }
}

function toQueueTopic(row: Row): QueueTopic {
  return {
    id: row.id,
    namespace: row.namespace,
    name: row.name,
    leaseSeconds: row.lease_seconds,
    maxAttempts: row.max_attempts,
    ttlSeconds: row.ttl_seconds,
    payloadBytesMax: row.payload_bytes_max,
    maxDepth: row.depth_max,
    maxInFlight: row.in_flight_max,
    enqueuesPerSecond: row.enqueues_per_second,
    ageingSeconds: row.ageing_seconds,
    backoff:
      row.backoff_first_seconds === null
        ? null
        : {
            firstSeconds: row.backoff_first_seconds,
            factor: row.backoff_factor!,
            capSeconds: row.backoff_cap_seconds!,
          },
    deadLetterTopic: row.dead_letter_topic,
    shards: row.shards,
    history: row.history,
    pause:
      row.paused_at === null
        ? null
        : {
            since: toDate(row.paused_at),
            until: row.paused_until === null ? null : toDate(row.paused_until),
            by: row.paused_by,
            reason: row.pause_reason,
          },
    createdAt: toDate(row.created_at),
    namespaceLimits: {
      maxDepth: row.queue_depth_max,
      maxInFlight: row.queue_in_flight_max,
      enqueuesPerSecond: row.queue_enqueues_per_second,
    },
  };
}
