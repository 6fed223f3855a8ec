import type { Actor } from '../domain/actor.ts';
import { requireHolder } from '../domain/actor.ts';
import { badInput } from '../domain/errors.ts';
import type { Lease } from '../domain/lease.ts';
import { limits } from '../domain/limits.ts';
import { parseName, parseWhole } from '../domain/names.ts';
import type { QueueItem } from '../domain/queue-item.ts';
import type { Topic } from '../domain/topic.ts';
import { loadStatement, toDate } from '../postgres/sql.ts';
import { createBatcher } from '../queue/batcher.ts';
import type { ClaimedItem, WantedItems } from '../queue/claims.ts';
import type { Topics } from '../queue/topics.ts';
import type { ClaimQueueItemRow, QueueEngine } from './engine.ts';
import { parseLeaseSeconds } from './parse-item.ts';
import { queueConsumers } from './roles.ts';

const countReadyItems = loadStatement('count-ready-items');

export interface DequeueInput {
  readonly namespace: string;
  readonly requests: readonly { readonly topic: string; readonly count?: number | null }[];
  readonly waitMs?: number | null;
  readonly leaseSeconds?: number | null;
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
  shard,
  topics,
  claims,
  announcer,
}: QueueEngine): (actor: Actor | undefined, input: DequeueInput, signal: AbortSignal) => Promise<DequeueResult> {
  const countReady = createBatcher<number, number>({
    run: async (ids) => {
      const rows = await shard.run<{ ready: number }>(countReadyItems, [ids, limits.queueReadyCounted]);
      return rows.map((row) => row.ready);
    },
  });
  return async (maybeActor, input, signal) => {
    const namespace = parseName('input.namespace', input.namespace);
    const actor = requireHolder(maybeActor, namespace, queueConsumers);
    const asked = parseRequests(input.requests);
    const waitMs = parseWhole('input.waitMs', input.waitMs ?? 0, 0, limits.waitMilliseconds);
    const leaseSeconds = parseLeaseSeconds('input.leaseSeconds', input.leaseSeconds);
    const wanted: WantedItems[] = [];
    for (const [name, count] of asked) {
      const topic = topics.known(namespace, 'queue', name) ?? (await topics.ensure(namespace, 'queue', name));
      wanted.push({ topic, count });
    }
    const request = { holder: actor.subject, leaseSeconds, heldMax: null };
    const batch = await claims.claimBatch(wanted, request, waitMs, signal);
    if (batch.items.length > 0) announcer.eventsWritten();
    await findOrigins(topics, batch.items);
    const returned = new Map<Topic, number>();
    for (const { topic } of batch.items) returned.set(topic, (returned.get(topic) ?? 0) + 1);
    return {
      items: batch.items.map((item) => {
        const origin = item.row.item_origin_topic_id;
        return toDelivery(item, actor.subject, origin === null ? null : (topics.byId(origin)?.name ?? null));
      }),
      topics: wanted.map(({ topic }) => ({
        topic: topic.name,
        returned: returned.get(topic) ?? 0,
        paused: batch.paused.has(topic),
        countReady: () => countReady(topic.id),
      })),
      partialShards: [],
    };
  };
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
  { topic, token, row }: ClaimedItem<ClaimQueueItemRow>,
  holder: string,
  originTopic: string | null,
): Delivery {
  const acquiredAt = toDate(row.acquired_at);
  const expiresAt = toDate(row.expires_at);
  return {
    item: {
      id: row.item_id!,
      namespace: topic.namespace,
      topic: topic.name,
      state: 'LEASED',
      priority: row.given_priority,
      effectivePriority: row.item_priority,
      payload: row.payload,
      metadata: row.metadata,
      deliverAfter: toDate(row.item_deliver_after),
      attempt: row.attempts_counted,
      maxAttempts: row.max_attempts,
      uniqueKey: row.item_unique_key,
      enqueuedAt: toDate(row.item_enqueued_at),
      enqueuedBy: row.item_enqueued_by,
      expiresAt: row.item_expires_at === null ? null : toDate(row.item_expires_at),
      leasedBy: holder,
      leaseExpiresAt: expiresAt,
      blockedBy: 'LEASED',
      lastReason: row.item_last_reason,
      originTopic,
      diedAt: row.item_died_at === null ? null : toDate(row.item_died_at),
    },
    lease: { itemId: row.item_id!, token, holder, acquiredAt, expiresAt, serverTime: acquiredAt },
  };
}

/** Makes sure that the topics are known from which dead letters come. */
async function findOrigins(topics: Topics, items: readonly ClaimedItem<ClaimQueueItemRow>[]): Promise<void> {
  const ids = items.flatMap(({ row }) => row.item_origin_topic_id ?? []);
  if (ids.length > 0) await topics.byIds(ids);
}
