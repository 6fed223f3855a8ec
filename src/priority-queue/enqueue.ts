import { createHash } from 'node:crypto';
import { crashPoint } from '../crash-point.ts';
import type { Actor } from '../domain/actor.ts';
import { requireRole } from '../domain/actor.ts';
import { badInput, Fault, unavailable } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { parseIdempotencyKey, parseName } from '../domain/names.ts';
import type { QueueItem, QueueTopic } from '../domain/queue-item.ts';
import type { Topic } from '../domain/topic.ts';
import { loadStatement, toDate } from '../postgres/sql.ts';
import { createCallBatcher } from './call-batcher.ts';
import type { QueueEngine } from './engine.ts';
import type { EnqueueGate } from './enqueue-gate.ts';
import type { EnqueueItemInput, ParsedItem } from './parse-item.ts';
import { parseItem, payloadTooLarge } from './parse-item.ts';
import { queueProducers } from './roles.ts';
import type { QueueSettings } from './settings.ts';

const enqueueItems = loadStatement('enqueue-items');
const findUniqueItems = loadStatement('find-unique-items');
const readAnswer = loadStatement('read-enqueue-answer');

export interface EnqueueInput {
  readonly namespace: string;
  readonly items: readonly EnqueueItemInput[];
  readonly idempotencyKey?: string | null;
  readonly region?: string | null;
}

/** What became of one item. A refusal concerns it alone; its code is one of the faults' or `TOPIC_FULL`. */
export type EnqueuedItem =
  | { readonly kind: 'enqueued'; readonly item: QueueItem }
  | { readonly kind: 'duplicate'; readonly id: string | null }
  | Refusal;

export interface Refusal {
  readonly kind: 'refused';
  readonly code: string;
  readonly message: string;
  readonly retryAfterMs: number | null;
}

/** As it is kept under an idempotency key: an item's id, or why it was refused. */
type Answer = { readonly kind: 'enqueued'; readonly id: string } | Refusal;

export type EnqueueResult =
  | { readonly kind: 'enqueued'; readonly results: readonly EnqueuedItem[] }
  | { readonly kind: 'idempotencyConflict' };

interface NewItem extends ParsedItem {
  readonly id: string;
  readonly place: number;
  readonly target: Topic;
  readonly rules: QueueTopic;
}

interface Call {
  readonly id: string;
  readonly namespace: string;
  readonly enqueuer: string;
  readonly idempotencyKey: string | null;
  readonly requestHash: string | null;
  readonly items: readonly NewItem[];
  readonly answers: readonly Answer[];
}

interface Committed {
  readonly isNew: boolean;
  readonly at: string;
  /** Places whose unique key is taken, from 1. */
  readonly duplicates: readonly number[];
}

interface Row {
  readonly kind: 'call' | 'duplicate' | 'head';
  readonly n: number;
  readonly place: number;
  readonly outcome: 'done' | 'key';
  readonly at: string;
  readonly topic_id: number;
  readonly priority: number;
  readonly deliver_after: string;
  readonly id: string;
}

export interface EnqueueDependencies extends QueueEngine {
  readonly settings: QueueSettings;
  readonly gate: EnqueueGate;
  readonly newId: (shard: number) => string;
  readonly now: () => number;
  readonly observeBatch?: ((calls: number, milliseconds: number) => void) | undefined;
}

/**
 * Puts items into topics: committed together, then tickets are issued. An item that must be refused does not touch the
 * others. Calls of a moment go together in one statement.
 * @returns a function that throws Fault `FORBIDDEN`, `BAD_USER_INPUT` (of the call; an item's is its result),
 * `BACKPRESSURE` or `UNAVAILABLE`
 */
export function createEnqueue(
  dependencies: EnqueueDependencies,
): (actor: Actor | undefined, input: EnqueueInput) => Promise<EnqueueResult> {
  const commit = createCallBatcher<Call, Committed>({
    run: (calls) => commitCalls(dependencies, calls),
    sizeOf: (call) => call.items.length,
    observe: dependencies.observeBatch,
  });
  return async (maybeActor, input) => {
    const namespace = parseName('input.namespace', input.namespace);
    const actor = requireRole(maybeActor, namespace, queueProducers);
    const idempotencyKey = parseIdempotencyKey('input.idempotencyKey', input.idempotencyKey);
    if (input.items.length < 1 || input.items.length > limits.queueItemsPerCall) {
      throw badInput('input.items', `must have 1 to ${limits.queueItemsPerCall} entries`);
    }
    const { items, answers } = await prepare(dependencies, namespace, input.items);
    const call: Call = {
      id: dependencies.newId(dependencies.shard.number),
      namespace,
      enqueuer: actor.subject,
      idempotencyKey,
      requestHash: idempotencyKey === null ? null : hashRequest(input.items),
      items,
      answers,
    };
    // What the limits refuse now may have been taken by this very call before.
    let asked = call;
    if (idempotencyKey !== null && items.length < input.items.length) {
      asked = { ...call, ...(await prepare(dependencies, namespace, input.items, false)) };
      const earlier = await findEarlier(dependencies, asked);
      if (earlier !== undefined) return earlier;
    }
    // Nothing to keep: the same call may be sent again and find the limits lifted.
    if (items.length === 0) return { kind: 'enqueued', results: answers as Refusal[] };
    const committed = await commit(call);
    if (!committed.isNew) return readEarlier(dependencies, asked);
    return {
      kind: 'enqueued',
      results: await describe(dependencies, call, toDate(committed.at), committed.duplicates),
    };
  };
}

/** Judges each item by itself: what is good gets an id, what is not its refusal. Not by the topic's limits unless gated. */
async function prepare(
  { topics, settings, gate, newId, now, shard }: EnqueueDependencies,
  namespace: string,
  inputs: readonly EnqueueItemInput[],
  gated = true,
): Promise<{ readonly items: readonly NewItem[]; readonly answers: Answer[] }> {
  const items: NewItem[] = [];
  const answers: Answer[] = [];
  const moment = now();
  for (const [index, input] of inputs.entries()) {
    try {
      const item = parseItem(`input.items.${index}`, input, moment);
      const target =
        topics.known(namespace, 'queue', item.topic) ?? (await topics.ensure(namespace, 'queue', item.topic));
      const rules = settings.known(target.id) ?? (await settings.get(target.id));
      if (gated && item.payload.length > rules.payloadBytesMax) throw payloadTooLarge(rules.payloadBytesMax);
      const refusal = gated && gate.limits(rules) ? await gate.admit(rules) : undefined;
      if (refusal !== undefined) {
        answers.push(refusal);
        continue;
      }
      const id = newId(shard.number);
      items.push({ ...item, id, target, rules, place: index + 1 });
      answers.push({ kind: 'enqueued', id });
    } catch (error) {
      answers.push(refusalOf(error));
    }
  }
  return { items, answers };
}

const itemCodes: ReadonlySet<string> = new Set(['BAD_USER_INPUT', 'PAYLOAD_TOO_LARGE', 'NOT_FOUND', 'RATE_LIMITED']);

/** @throws whatever concerns more than one item */
function refusalOf(error: unknown): Refusal {
  if (!(error instanceof Fault) || !itemCodes.has(error.code)) throw error;
  return { kind: 'refused', code: error.code, message: error.message, retryAfterMs: error.retryAfterMs ?? null };
}

async function commitCalls(dependencies: EnqueueDependencies, calls: readonly Call[]): Promise<Committed[]> {
  const { shard, topics } = dependencies;
  const items = calls.flatMap((call, index) => call.items.map((item) => ({ call: index + 1, item })));
  const payloads = items.map(({ item }) => item.payload);
  let start = 1;
  const starts = payloads.map((payload) => {
    const here = start;
    start += payload.length;
    return here;
  });
  const rows = await shard.run<Row>(enqueueItems, [
    calls.map((call) => call.id),
    calls.map((call) => call.namespace),
    calls.map((call) => call.enqueuer),
    calls.map((call) => call.idempotencyKey),
    calls.map((call) => call.requestHash),
    calls.map((call) => (call.idempotencyKey === null ? null : JSON.stringify(call.answers))),
    items.map(({ call }) => call),
    items.map(({ item }) => item.place),
    items.map(({ item }) => item.id),
    items.map(({ item }) => item.target.id),
    items.map(({ item }) => item.priority),
    Buffer.concat(payloads), // one value: PostgreSQL gets its bytes as they are
    starts,
    payloads.map((payload) => payload.length),
    items.map(({ item }) => item.metadata),
    items.map(({ item }) => item.deliverAfter?.toISOString() ?? null),
    items.map(({ item }) => item.leaseSeconds),
    items.map(({ item }) => item.ttlSeconds),
    items.map(({ item }) => item.uniqueKey),
  ]);
  const committed = calls.map(() => ({ isNew: false, at: '', duplicates: [] as number[] }));
  for (const row of rows) {
    if (row.kind === 'call') {
      committed[row.n - 1]!.isNew = row.outcome === 'done';
      committed[row.n - 1]!.at = row.at;
    } else if (row.kind === 'duplicate') committed[row.n - 1]!.duplicates.push(row.place);
  }
  if (!committed.some((call) => call.isNew)) return committed;
  crashPoint('enqueue_after_commit');
  announce(dependencies, calls, committed);
  for (const row of rows) {
    if (row.kind !== 'head') continue;
    const key = { priority: row.priority, deliverAfter: row.deliver_after, id: row.id };
    dependencies.announcer.itemBecameReady(topics.byId(row.topic_id)!, key);
  }
  dependencies.announcer.eventsWritten();
  return committed;
}

/** Calls for the items that are ready now. */
function announce(
  { announcer, traffic }: QueueEngine,
  calls: readonly Call[],
  committed: readonly { readonly isNew: boolean; readonly at: string; readonly duplicates: readonly number[] }[],
): void {
  const tickets = calls.flatMap((call, index) => {
    const { isNew, at, duplicates } = committed[index]!;
    if (!isNew) return [];
    const moment = toDate(at).getTime();
    const taken = new Set(duplicates);
    for (const item of call.items) if (!taken.has(item.place)) traffic.count(item.target, 'enqueued', 1);
    return call.items
      .filter((item) => !taken.has(item.place) && (item.deliverAfter === null || item.deliverAfter.getTime() <= moment))
      .map((item) => ({ topic: item.target, itemId: item.id, priority: item.priority }));
  });
  if (tickets.length > 0) announcer.issueTickets(tickets);
}

/** What became of each item; of those whose unique key an open item has, that item's id. */
async function describe(
  { shard }: QueueEngine,
  call: Call,
  at: Date,
  duplicates: readonly number[],
): Promise<readonly EnqueuedItem[]> {
  const taken = new Set(duplicates);
  const items = new Map(call.items.map((item) => [item.place, item]));
  const results = call.answers.map((answer, index): EnqueuedItem => {
    if (answer.kind === 'refused') return answer;
    // One that left the queue in this very moment has no id to show.
    if (taken.has(index + 1)) return { kind: 'duplicate', id: null };
    return { kind: 'enqueued', item: toItem({ ...items.get(index + 1)!, id: answer.id }, call, at) };
  });
  if (taken.size === 0) return results;
  const repeated = call.items.filter((item) => taken.has(item.place));
  const found = await shard.run<{ n: number; id: string }>(findUniqueItems, [
    repeated.map((item) => item.target.id),
    repeated.map((item) => item.uniqueKey),
  ]);
  for (const row of found) results[repeated[row.n - 1]!.place - 1] = { kind: 'duplicate', id: row.id };
  return results;
}

function toItem(item: NewItem, call: Call, at: Date): QueueItem {
  const due = item.deliverAfter === null || item.deliverAfter < at ? at : item.deliverAfter;
  const ttlSeconds = item.ttlSeconds ?? item.rules.ttlSeconds;
  const isDelayed = due > at;
  return {
    id: item.id,
    namespace: call.namespace,
    topic: item.topic,
    state: isDelayed ? 'DELAYED' : 'READY',
    priority: item.priority,
    effectivePriority: item.rules.ageingSeconds === null ? item.priority : null,
    payload: item.payload,
    metadata: item.metadata === null ? null : JSON.parse(item.metadata),
    deliverAfter: due,
    attempt: 0,
    maxAttempts: item.rules.maxAttempts,
    uniqueKey: item.uniqueKey,
    enqueuedAt: at,
    enqueuedBy: call.enqueuer,
    expiresAt: ttlSeconds === null ? null : new Date(Math.max(due.getTime(), at.getTime()) + ttlSeconds * 1_000),
    leasedBy: null,
    leaseExpiresAt: null,
    blockedBy: isDelayed ? 'DELAYED' : item.rules.pause === null ? null : 'PAUSED',
    lastReason: null,
    originTopic: null,
    diedAt: null,
  };
}

/** The key was used before: by the same call, which gets the first answer again, or by another one. */
async function readEarlier(dependencies: EnqueueDependencies, call: Call): Promise<EnqueueResult> {
  const earlier = await findEarlier(dependencies, call);
  if (earlier === undefined) throw unavailable(100); // it was pruned between the two statements: the next call enqueues
  return earlier;
}

async function findEarlier(dependencies: EnqueueDependencies, call: Call): Promise<EnqueueResult | undefined> {
  if (call.idempotencyKey === null) return undefined;
  const rows = await dependencies.shard.run<{
    request_hash: string;
    answers: readonly Answer[];
    duplicates: readonly number[];
    created_at: string;
  }>(readAnswer, [call.namespace, call.enqueuer, call.idempotencyKey]);
  const earlier = rows[0];
  if (earlier === undefined) return undefined;
  if (earlier.request_hash !== call.requestHash) return { kind: 'idempotencyConflict' };
  const known = new Set(call.items.map((item) => item.place));
  // One that was taken then and is bad input now cannot be shown.
  const answers = earlier.answers.map((answer, index) =>
    answer.kind === 'refused' || known.has(index + 1) ? answer : call.answers[index]!,
  );
  const first = { ...call, answers };
  return {
    kind: 'enqueued',
    results: await describe(dependencies, first, toDate(earlier.created_at), earlier.duplicates),
  };
}

function hashRequest(items: readonly EnqueueItemInput[]): string {
  const hash = createHash('sha256');
  for (const { payload, ...rest } of items) {
    hash.update(JSON.stringify(rest)).update(`\n${payload.length}\n`).update(payload);
  }
  return hash.digest('hex');
}
