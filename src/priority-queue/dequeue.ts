import type { Actor } from '../domain/actor.ts';
import { requireHolder } from '../domain/actor.ts';
import { badInput } from '../domain/errors.ts';
import type { Lease } from '../domain/lease.ts';
import { limits } from '../domain/limits.ts';
import { parseName, parseWhole } from '../domain/names.ts';
import type { QueueItem } from '../domain/queue-item.ts';
import type { Topic } from '../domain/topic.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement, toDate } from '../postgres/sql.ts';
import type { Announcer } from '../queue/announcements.ts';
import type { BatchClaims, TakenBatch } from '../queue/batch-claims.ts';
import type { TakenItem } from '../queue/batch-desk.ts';
import { createBatcher } from '../queue/batcher.ts';
import type { SpreadBatches, SpreadTopic } from '../queue/spread-batches.ts';
import type { Topics } from '../queue/topics.ts';
import type { ShardAnswers } from '../shards/merge-pages.ts';
import { askShards } from '../shards/merge-pages.ts';
import type { TakenItemRow } from './engine.ts';
import { parseLeaseSeconds } from './parse-item.ts';
import { queueConsumers } from './roles.ts';
import type { QueueTraffic } from './traffic.ts';

const countReadyItems = loadStatement('count-ready-items');

export interface DequeueInput {
  readonly namespace: string;
  readonly requests: readonly { readonly topic: string; readonly count?: number | null }[];
  readonly waitMs?: number | null;
  readonly leaseSeconds?: number | null;
  /** Whose shards are looked at first. */
  readonly region?: string | null;
}

/** What dequeuing needs of a shard. */
export interface DequeueShard {
  readonly number: number;
  readonly shard: Shard;
  readonly topics: Topics;
  readonly announcer: Announcer;
}

export interface DequeueDependencies {
  readonly traffic: QueueTraffic;
  readonly shards: readonly DequeueShard[];
  readonly claims: BatchClaims<TakenItemRow>;
  /** Where there are several shards. */
  readonly spread:
    | {
        readonly batches: SpreadBatches<TakenItemRow>;
        /** The shards on which a topic's items are looked for first; the others are looked at when nothing is there. */
        readonly near: (namespace: string, topic: string, region: string | null) => Promise<ReadonlySet<number>>;
      }
    | undefined;
}

/** An item on its way to a consumer. */
export interface Delivery {
  readonly item: QueueItem;
  readonly lease: Lease;
}

export interface DequeuedTopic {
  readonly topic: string;
  readonly returned: number;
  readonly paused: boolean;
  /** Counts what is still ready, up to `limits.queueReadyCounted`. */
  readonly countReady: () => Promise<number>;
}

export interface DequeueResult {
  readonly items: readonly Delivery[];
  readonly topics: readonly DequeuedTopic[];
  /** Shards that could not be asked. */
  readonly partialShards: readonly number[];
}

/**
 * Hands out the best items of topics, each under a lease. Without any it waits up to `waitMs` for the first one.
 * @returns a function that throws Fault `FORBIDDEN`, `BAD_USER_INPUT`, `NOT_FOUND` (the namespace has a fixed list of
 * topics), `BACKPRESSURE` or `UNAVAILABLE`
 */
export function createDequeue({
  shards,
  claims,
  spread,
  traffic,
}: DequeueDependencies): (
  actor: Actor | undefined,
  input: DequeueInput,
  signal: AbortSignal,
) => Promise<DequeueResult> {
  const parts = new Map(shards.map((part) => [part.number, { ...part, countReady: createCountReady(part.shard) }]));
  return async (maybeActor, input, signal) => {
    const namespace = parseName('input.namespace', input.namespace);
    const actor = requireHolder(maybeActor, namespace, queueConsumers);
    const asked = parseRequests(input.requests);
    const waitMs = parseWhole('input.waitMs', input.waitMs ?? 0, 0, limits.waitMilliseconds);
    const leaseSeconds = parseLeaseSeconds('input.leaseSeconds', input.leaseSeconds);
    const away = new Set<number>();
    const wanted: { readonly name: string; readonly count: number; readonly topics: readonly Topic[] }[] = [];
    for (const [name, count] of asked) {
      const found = await findParts(shards, namespace, name);
      for (const number of found.partialShards) away.add(number);
      wanted.push({ name, count, topics: found.values });
    }
    const request = { holder: actor.subject, leaseSeconds };
    let batch: TakenBatch<TakenItemRow>;
    if (spread === undefined) {
      const each = wanted.map(({ topics, count }) => ({ topic: topics[0]!, count }));
      batch = await claims.claimBatch(each, request, waitMs, signal);
    } else {
      const each: SpreadTopic[] = [];
      for (const { name, count, topics } of wanted) {
        const near = await spread.near(namespace, name, input.region ?? null);
        each.push({
          count,
          near: topics.filter((topic) => near.has(topic.shard)),
          far: topics.filter((topic) => !near.has(topic.shard)),
        });
      }
      const found = await spread.batches.claimBatch(each, request, waitMs, signal);
      for (const number of found.partialShards) away.add(number);
      batch = found;
    }
    for (const number of new Set(batch.items.map(({ topic }) => topic.shard)))
      parts.get(number)!.announcer.eventsWritten();
    for (const [topic, items] of Map.groupBy(batch.items, (item) => item.topic))
      traffic.count(topic, 'delivered', items.length);
    const origins = new Map<TakenItem<TakenItemRow>, string | null>();
    for (const part of parts.values()) await findOrigins(part, batch.items, origins);
    let acquired = { text: '', date: new Date(Number.NaN) };
    return {
      items: batch.items.map((item) => {
        if (acquired.text !== item.acquiredAt) acquired = { text: item.acquiredAt, date: toDate(item.acquiredAt) };
        return toDelivery(item, actor.subject, origins.get(item) ?? null, acquired.date);
      }),
      topics: wanted.map(({ name, topics }) => ({
        topic: name,
        returned: batch.items.filter(({ topic }) => topics.includes(topic)).length,
        paused: topics.some((topic) => batch.paused.has(topic)),
        countReady: async () => {
          const counts = await askShards(
            topics.map((topic) => ({ number: topic.shard, topic })),
            ({ number, topic }) => parts.get(number)!.countReady(topic.id),
          );
          return Math.min(
            limits.queueReadyCounted,
            counts.values.reduce((sum, count) => sum + count, 0),
          );
        },
      })),
      partialShards: [...away].sort((a, b) => a - b),
    };
  };
}

function createCountReady(shard: Shard): (topicId: number) => Promise<number> {
  return createBatcher<number, number>({
    run: async (ids) => {
      const rows = await shard.run<{ ready: number }>(countReadyItems, [ids, limits.queueReadyCounted]);
      return rows.map((row) => row.ready);
    },
  });
}

/** A topic's parts on all shards that know it or can be asked. */
async function findParts(
  shards: readonly DequeueShard[],
  namespace: string,
  name: string,
): Promise<ShardAnswers<Topic>> {
  const known = shards.flatMap(({ topics }) => topics.known(namespace, 'queue', name) ?? []);
  if (known.length === shards.length) return { values: known, partialShards: [] };
  return askShards(
    shards,
    async ({ topics }) => topics.known(namespace, 'queue', name) ?? (await topics.ensure(namespace, 'queue', name)),
  );
}

/** Topics with what is wanted of each; a topic that is named twice counts once. */
function parseRequests(requests: DequeueInput['requests']): ReadonlyMap<string, number> {
  if (requests.length < 1 || requests.length > limits.queueTopicsPerDequeue) {
    throw badInput('input.requests', `must have 1 to ${limits.queueTopicsPerDequeue} entries`);
  }
  const asked = new Map<string, number>();
  let sum = 0;
  for (const [index, request] of requests.entries()) {
    const field = `input.requests.${index}`;
    const name = parseName(`${field}.topic`, request.topic);
    const count = parseWhole(`${field}.count`, request.count ?? 1, 1, limits.queueItemsPerCall);
    sum += count;
    asked.set(name, (asked.get(name) ?? 0) + count);
  }
  if (sum > limits.queueItemsPerCall) {
    throw badInput('input.requests', `must not ask for more than ${limits.queueItemsPerCall} items in all`);
  }
  return asked;
}

function toDelivery(
  taken: TakenItem<TakenItemRow>,
  holder: string,
  originTopic: string | null,
  acquiredAt: Date,
): Delivery {
  const { token, row } = taken;
  return {
    item: new DeliveredItem(taken, holder, originTopic),
    lease: {
      itemId: row.item_id,
      token,
      holder,
      acquiredAt,
      get expiresAt() {
        return toDate(row.expires_at);
      },
      serverTime: acquiredAt,
    },
  };
}

/** An item as it was taken. Times are read when they are asked for: most callers ask for few. */
class DeliveredItem implements QueueItem {
  readonly #taken: TakenItem<TakenItemRow>;
  readonly leasedBy: string;
  readonly originTopic: string | null;
  readonly state = 'LEASED';
  readonly blockedBy = 'LEASED';

  constructor(taken: TakenItem<TakenItemRow>, holder: string, originTopic: string | null) {
    this.#taken = taken;
    this.leasedBy = holder;
    this.originTopic = originTopic;
  }

  get id(): string {
    return this.#taken.row.item_id;
  }
  get namespace(): string {
    return this.#taken.topic.namespace;
  }
  get topic(): string {
    return this.#taken.topic.name;
  }
  get priority(): number {
    return this.#taken.row.given_priority;
  }
  get effectivePriority(): number {
    return this.#taken.row.item_priority;
  }
  get payload(): Uint8Array {
    return this.#taken.row.payload;
  }
  get metadata(): unknown {
    return this.#taken.row.metadata;
  }
  get deliverAfter(): Date {
    return toDate(this.#taken.row.item_deliver_after);
  }
  get attempt(): number {
    return this.#taken.row.attempts_counted;
  }
  get maxAttempts(): number {
    return this.#taken.maxAttempts;
  }
  get uniqueKey(): string | null {
    return this.#taken.row.note?.uniqueKey ?? null;
  }
  get enqueuedAt(): Date {
    return toDate(this.#taken.row.item_enqueued_at);
  }
  get enqueuedBy(): string {
    return this.#taken.row.item_enqueued_by;
  }
  get expiresAt(): Date | null {
    return toDateOrNull(this.#taken.row.note?.expiresAt);
  }
  get leaseExpiresAt(): Date {
    return toDate(this.#taken.row.expires_at);
  }
  get lastReason(): string | null {
    return this.#taken.row.note?.lastReason ?? null;
  }
  get diedAt(): Date | null {
    return toDateOrNull(this.#taken.row.note?.diedAt);
  }
}

function toDateOrNull(text: string | null | undefined): Date | null {
  return text == null ? null : toDate(text);
}

/** Finds the names of the topics from which dead letters of a shard come. */
async function findOrigins(
  { number, topics }: DequeueShard,
  items: readonly TakenItem<TakenItemRow>[],
  origins: Map<TakenItem<TakenItemRow>, string | null>,
): Promise<void> {
  const dead = items.flatMap((item) => {
    const originId = item.topic.shard === number ? item.row.note?.originTopicId : undefined;
    return originId == null ? [] : [{ item, originId }];
  });
  if (dead.length === 0) return;
  const found = await topics.byIds(dead.map(({ originId }) => originId));
  for (const { item, originId } of dead) origins.set(item, found.get(originId)?.name ?? null);
}
