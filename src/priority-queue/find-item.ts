import type { Actor } from '../domain/actor.ts';
import { hasAnyRole, mayEnter, requireRole } from '../domain/actor.ts';
import { badInput, Fault, forbidden, notFound } from '../domain/errors.ts';
import { parseId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { parseName } from '../domain/names.ts';
import type { QueueItem, QueueItemBlock, QueueItemState } from '../domain/queue-item.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement, toDate } from '../postgres/sql.ts';
import { createBatcher } from '../queue/batcher.ts';
import type { QueueEngine } from './engine.ts';
import { queueReaders } from './roles.ts';

const readItems = loadStatement('read-queue-items');
const readEnd = loadStatement('read-queue-item-end');
const peekItems = loadStatement('peek-items');

interface Row {
  readonly id: string;
  readonly namespace: string;
  readonly topic: string;
  readonly state: QueueItemState;
  readonly given_priority: number;
  readonly priority: number;
  readonly payload: Uint8Array;
  readonly metadata: unknown;
  readonly deliver_after: string;
  readonly attempt: number;
  readonly max_attempts: number;
  readonly unique_key: string | null;
  readonly enqueued_at: string;
  readonly enqueued_by: string;
  readonly expires_at: string | null;
  readonly lease_holder: string | null;
  readonly lease_expires_at: string | null;
  readonly blocked_by: QueueItemBlock | null;
  readonly last_reason: string | null;
  readonly origin_topic: string | null;
  readonly died_at: string | null;
}

interface EndRow {
  readonly namespace: string;
  readonly topic: string;
  readonly type: 'ACKED' | 'EXPIRED' | 'PURGED';
  readonly at: string;
}

export type ReadItem = (id: string) => Promise<QueueItem | null>;

/** Reads items, those that have left the queue, too. Who may see them is the caller's business. */
export function createReadItem(shard: Shard): ReadItem {
  const readOpen = createBatcher<string, QueueItem | null>({
    run: async (ids) => {
      const rows = await shard.run<Row>(readItems, [ids]);
      const found = new Map(rows.map((row) => [row.id, toItem(row)]));
      return ids.map((id) => found.get(id) ?? null);
    },
  });
  return async (id) => {
    const open = await readOpen(id);
    if (open !== null) return open;
    const end = (await shard.run<EndRow>(readEnd, [id]))[0];
    return end === undefined ? null : toEndedItem(id, end);
  };
}

/**
 * One item.
 * @returns a function that throws Fault `NOT_FOUND` (also for what is another namespace's), `FORBIDDEN`, `BAD_USER_INPUT`
 * or `UNAVAILABLE`
 */
export function createFindItem(readItem: ReadItem): (actor: Actor | undefined, id: string) => Promise<QueueItem> {
  return async (actor, givenId) => {
    const id = parseId('id', givenId);
    if (actor === undefined) throw new Fault('UNAUTHENTICATED', 'A valid token is needed');
    if (!hasAnyRole(actor, queueReaders)) throw forbidden(`One of these roles is needed: ${queueReaders.join(', ')}`);
    const item = await readItem(id);
    if (item === null || !mayEnter(actor, item.namespace)) throw notFound('Item');
    return item;
  };
}

/**
 * The items of a topic in the order of their delivery: what is ready, then what waits for its time, then what is held.
 * @returns a function that throws Fault `FORBIDDEN`, `BAD_USER_INPUT` or `UNAVAILABLE`
 */
export function createPeek({
  shard,
  topics,
}: QueueEngine): (
  actor: Actor | undefined,
  namespace: string,
  topic: string,
  first: number,
) => Promise<readonly QueueItem[]> {
  return async (actor, givenNamespace, givenTopic, first) => {
    const namespace = parseName('namespace', givenNamespace);
    requireRole(actor, namespace, queueReaders);
    if (first < 0 || first > limits.pageItems) throw badInput('first', `must be from 0 to ${limits.pageItems}`);
    const topic = await topics.find(namespace, 'queue', parseName('topic', givenTopic));
    if (topic === undefined) return [];
    return (await shard.run<Row>(peekItems, [topic.id, first])).map(toItem);
  };
}

function toDateOrNull(text: string | null): Date | null {
  return text === null ? null : toDate(text);
}

function toItem(row: Row): QueueItem {
  return {
    id: row.id,
    namespace: row.namespace,
    topic: row.topic,
    state: row.state,
    priority: row.given_priority,
    effectivePriority: row.priority,
    payload: row.payload,
    metadata: row.metadata,
    deliverAfter: toDate(row.deliver_after),
    attempt: row.attempt,
    maxAttempts: row.max_attempts,
    uniqueKey: row.unique_key,
    enqueuedAt: toDate(row.enqueued_at),
    enqueuedBy: row.enqueued_by,
    expiresAt: toDateOrNull(row.expires_at),
    leasedBy: row.lease_holder,
    leaseExpiresAt: toDateOrNull(row.lease_expires_at),
    blockedBy: row.blocked_by,
    lastReason: row.last_reason,
    originTopic: row.origin_topic,
    diedAt: toDateOrNull(row.died_at),
  };
}

function toEndedItem(id: string, end: EndRow): QueueItem {
  return {
    id,
    namespace: end.namespace,
    topic: end.topic,
    state: end.type,
    priority: null,
    effectivePriority: null,
    payload: null,
    metadata: null,
    deliverAfter: null,
    attempt: null,
    maxAttempts: null,
    uniqueKey: null,
    enqueuedAt: null,
    enqueuedBy: null,
    expiresAt: null,
    leasedBy: null,
    leaseExpiresAt: null,
    blockedBy: null,
    lastReason: null,
    originTopic: null,
    diedAt: null,
  };
}
