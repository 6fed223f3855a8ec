import { createHash } from 'node:crypto';
import type { Actor } from '../domain/actor.ts';
import { Fault, notFound } from '../domain/errors.ts';
import { isId, shardOf } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { isName } from '../domain/names.ts';
import type { QueueItem, QueueTopic } from '../domain/queue-item.ts';
import { loadStatement } from '../postgres/sql.ts';
import type { EnqueuedItem, EnqueueInput, EnqueueResult } from '../priority-queue/enqueue.ts';
import type { TopicCounts } from '../priority-queue/list-topics.ts';
import type { NackedItem, NackLeaseInput } from '../priority-queue/nack.ts';
import type { ItemLeaseInput } from '../priority-queue/parse-leases.ts';
import type { QueueServices } from '../priority-queue/services.ts';
import type { ShardEngine } from '../shard-engine.ts';
import { askShards } from './merge-pages.ts';
import type { Placement, TopicSpread } from './placement.ts';
import { isAvailable, rankByKey } from './placement.ts';
import type { ReadyMarks } from './ready-marks.ts';
import type { RoutedShard } from './route-verbs.ts';

const readAnswer = loadStatement('read-enqueue-answer');

/** Finds over how many shards a topic is spread: one, unless its settings say more. */
export class TopicSpreads {
  readonly #placement: Placement;
  readonly #marks: ReadyMarks;

  constructor(placement: Placement, marks: ReadyMarks) {
    this.#placement = placement;
    this.#marks = marks;
  }

  /** @throws Fault `UNAVAILABLE` when no shard can be asked, or what making a topic refuses */
  async of(namespace: string, topic: string, region: string | null): Promise<TopicSpread> {
    const key = ['queue', namespace, topic];
    const first = this.#placement.spread(key, 1, region);
    const asked = [...first.homes, ...first.others].find(isAvailable);
    if (asked === undefined) return first;
    const known =
      asked.topics.known(namespace, 'queue', topic) ?? (await asked.topics.ensure(namespace, 'queue', topic));
    const settings = asked.queueSettings.known(known.id) ?? (await asked.queueSettings.get(known.id));
    return settings.shards === 1 ? first : this.#placement.spread(key, settings.shards, region);
  }

  /** Where a consumer looks first: at the topic's homes, and at shards of the region that are heard to have some. */
  async near(namespace: string, topic: string, region: string | null): Promise<ReadonlySet<number>> {
    const { homes, others } = await this.of(namespace, topic, region);
    const local = new Set(this.#placement.local(region).map(({ number }) => number));
    const marked = others.filter(
      ({ number }) => local.has(number) && this.#marks.has({ shard: number, namespace, topic }),
    );
    const near = [...homes, ...marked].filter(isAvailable);
    return new Set((near.length > 0 ? near : homes).map(({ number }) => number));
  }
}

/** The verbs of the priority queue over all shards. */
export function routeQueueVerbs(
  shards: readonly RoutedShard[],
  placement: Placement,
  spreads: TopicSpreads,
): QueueServices {
  const byNumber = new Map(shards.map((shard) => [shard.number, shard]));
  const at = (id: string): RoutedShard['verbs'] => {
    const shard = isId(id) ? byNumber.get(shardOf(id)) : shards[0];
    if (shard === undefined) throw notFound('Item');
    return shard.verbs;
  };
  const verbsOf = ({ number }: ShardEngine): RoutedShard['verbs'] => byNumber.get(number)!.verbs;
  return {
    enqueue: async (actor, input) => {
      const targets = await placeItems(actor, input, placement, spreads);
      const [only] = new Set(targets);
      if (new Set(targets).size === 1) return verbsOf(only!).enqueue(actor, input);
      return enqueueApart(targets, input, (engine, part) => verbsOf(engine).enqueue(actor, part));
    },
    ack: (actor, input) =>
      byShard<ItemLeaseInput, boolean | Fault>(
        shards,
        input.leases,
        (verbs, leases) => verbs.ack(actor, { ...input, leases }),
        (fault) => fault,
      ),
    nack: (actor, input) =>
      byShard<NackLeaseInput, NackedItem>(
        shards,
        input.leases,
        (verbs, leases) => verbs.nack(actor, { ...input, leases }),
        (fault) => ({ kind: 'refused', fault }),
      ),
    extendItemLease: async (actor, input) => at(input.itemId).extendItemLease(actor, input),
    updateItem: async (actor, input) => at(input.itemId).updateItem(actor, input),
    findItem: async (actor, id) => at(id).findItem(actor, id),
    queueItemHistory: async (id, first, after) => at(id).queueItemHistory(id, first, after),
    upsertTopic: (actor, input) => onEach(shards, ({ verbs }) => verbs.upsertTopic(actor, input)),
    setNamespaceLimits: (actor, input) => onEach(shards, ({ verbs }) => verbs.setNamespaceLimits(actor, input)),
    findNamespaceLimits: async (actor, namespace) =>
      (await askShards(shards, ({ verbs }) => verbs.findNamespaceLimits(actor, namespace))).values[0]!,
    pauseTopic: (actor, input) => onEach(shards, ({ verbs }) => verbs.pauseTopic(actor, input)),
    resumeTopic: (actor, input) => onEach(shards, ({ verbs }) => verbs.resumeTopic(actor, input)),
    purgeTopic: async (actor, input) => {
      const parts = await whereFound(shards, ({ verbs }) => verbs.purgeTopic(actor, input));
      return {
        dryRun: parts[0]!.dryRun,
        items: sum(parts.map((part) => part.items)),
        left: sum(parts.map((part) => part.left)),
      };
    },
    redriveDeadLetters: async (actor, input) => {
      const itemIds: string[] = [];
      const limit = input.limit ?? 1_000;
      const parts = await whereFound(shards, async ({ verbs }) => {
        const left = limit - itemIds.length;
        if (left <= 0) return { dryRun: input.dryRun ?? false, itemIds: [] };
        const part = await verbs.redriveDeadLetters(actor, { ...input, limit: left });
        itemIds.push(...part.itemIds);
        return part;
      });
      return { dryRun: parts[0]!.dryRun, itemIds };
    },
    findTopic: async (actor, namespace, name) => {
      const { values } = await askShards(shards, ({ verbs }) => verbs.findTopic(actor, namespace, name));
      return values.find((topic) => topic !== null) ?? null;
    },
    listTopics: async (actor, namespace) => {
      const { values } = await askShards(shards, ({ verbs }) => verbs.listTopics(actor, namespace));
      const byName = new Map<string, QueueTopic>();
      for (const topic of values.flat()) if (!byName.has(topic.name)) byName.set(topic.name, topic);
      return [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1)).slice(0, limits.queueTopicsListed);
    },
    countTopic: async (topic) => {
      const { values } = await askShards(shards, async ({ engine, verbs }) => {
        const part = await engine.topics.find(topic.namespace, 'queue', topic.name);
        return part === undefined ? undefined : verbs.countTopic({ ...topic, id: part.id });
      });
      return addTopicCounts(values.filter((counts) => counts !== undefined));
    },
    peek: async (actor, namespace, topic, first) => {
      const { values } = await askShards(shards, ({ verbs }) => verbs.peek(actor, namespace, topic, first));
      return values.flat().sort(compareDelivery).slice(0, first);
    },
  };
}

/**
 * The shard for each item of a call. A call with an idempotency key goes whole to the key's own shard, where its answer
 * is kept; only items with a unique key go where that is unique. The rest goes to the topic's shards in turn.
 * @throws Fault `UNAVAILABLE` when none can be reached
 */
async function placeItems(
  actor: Actor | undefined,
  input: EnqueueInput,
  placement: Placement,
  spreads: TopicSpreads,
): Promise<readonly ShardEngine[]> {
  const { namespace, idempotencyKey: key } = input;
  const region = input.region ?? null;
  // What cannot be a name is refused by whichever shard gets it.
  if (!isName(namespace)) return input.items.map(() => placement.choose([namespace], region));
  const subject = actor?.subject ?? '';
  const keyHome =
    key == null
      ? undefined
      : await placement.chooseForKey([namespace, subject, key], region, async ({ shard }) => {
          return (await shard.run(readAnswer, [namespace, subject, key])).length > 0;
        });
  const spreadOf = new Map<string, TopicSpread | undefined>();
  const homeOf = new Map<string, ShardEngine>();
  const targets: ShardEngine[] = [];
  for (const { topic, uniqueKey } of input.items) {
    if (!spreadOf.has(topic)) spreadOf.set(topic, await findSpread(spreads, namespace, topic, region));
    const spread = spreadOf.get(topic);
    if (spread === undefined) targets.push(keyHome ?? placement.choose([namespace], region));
    else if (uniqueKey != null) targets.push(rankByKey(spread.homes, [uniqueKey])[0] ?? placement.next(spread));
    else if (keyHome !== undefined) targets.push(keyHome);
    else {
      // One shard for all items of a topic in one call: they are written by one statement.
      const home = homeOf.get(topic) ?? placement.next(spread);
      homeOf.set(topic, home);
      targets.push(home);
    }
  }
  return targets;
}

/** Undefined where the topic cannot be had: the shard that gets the item says why. */
async function findSpread(
  spreads: TopicSpreads,
  namespace: string,
  topic: string,
  region: string | null,
): Promise<TopicSpread | undefined> {
  if (!isName(topic)) return undefined;
  try {
    return await spreads.of(namespace, topic, region);
  } catch (error) {
    if (error instanceof Fault && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

/** Enqueues on several shards. One that fails refuses its items; the call fails when all do. */
async function enqueueApart(
  targets: readonly ShardEngine[],
  input: EnqueueInput,
  enqueue: (engine: ShardEngine, part: EnqueueInput) => Promise<EnqueueResult>,
): Promise<EnqueueResult> {
  const parts = [...Map.groupBy(targets.keys(), (index) => targets[index]!)];
  const keyed =
    input.idempotencyKey == null ? undefined : targets[input.items.findIndex((item) => item.uniqueKey == null)];
  const ends = await Promise.allSettled(
    parts.map(([engine, indexes]) =>
      enqueue(engine, {
        ...input,
        items: indexes.map((index) => input.items[index]!),
        // A part away from the key's own shard is kept under a key of its own: it must not be taken for the call's home.
        idempotencyKey:
          input.idempotencyKey == null || engine === keyed
            ? (input.idempotencyKey ?? null)
            : partKey(input.idempotencyKey),
      }),
    ),
  );
  if (ends.some((end) => end.status === 'fulfilled' && end.value.kind === 'idempotencyConflict'))
    return { kind: 'idempotencyConflict' };
  const failures: unknown[] = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []));
  const failure = failures.find((reason) => !isRetryable(reason));
  if (failure !== undefined) throw failure;
  if (failures.length === ends.length) throw failures[0];
  const results = new Array<EnqueuedItem>(targets.length);
  for (const [place, [, indexes]] of parts.entries()) {
    const end = ends[place]!;
    for (const [n, index] of indexes.entries())
      results[index] =
        end.status === 'fulfilled' && end.value.kind === 'enqueued' ? end.value.results[n]! : refusalOf(end);
  }
  return { kind: 'enqueued', results };
}

function partKey(key: string): string {
  return `part-${createHash('sha256').update(key).digest('hex').slice(0, 40)}`;
}

function isRetryable(error: unknown): error is Fault {
  return error instanceof Fault && error.retryAfterMs !== undefined;
}

function refusalOf(end: PromiseSettledResult<EnqueueResult>): EnqueuedItem {
  const fault = end.status === 'rejected' && isRetryable(end.reason) ? end.reason : undefined;
  return {
    kind: 'refused',
    code: fault?.code ?? 'UNAVAILABLE',
    message: fault?.message ?? 'The service cannot reach its record right now',
    retryAfterMs: fault?.retryAfterMs ?? 1_000,
  };
}

/**
 * Answers entries each by its own shard, in their order. Those of a shard that is away or overloaded get its fault.
 * @throws that fault when all shards fail, or one that is none of theirs
 */
async function byShard<Entry extends { readonly itemId: string }, Answer>(
  shards: readonly RoutedShard[],
  entries: readonly Entry[],
  answer: (verbs: RoutedShard['verbs'], entries: readonly Entry[]) => Promise<readonly Answer[]>,
  refuse: (fault: Fault) => Answer,
): Promise<readonly Answer[]> {
  // What is no id, or names no shard of ours, is judged by the first.
  const numberOf = ({ itemId }: Entry): number => {
    const number = isId(itemId) ? shardOf(itemId) : shards[0]!.number;
    return shards.some((shard) => shard.number === number) ? number : shards[0]!.number;
  };
  const parts = [...Map.groupBy(entries.keys(), (index) => numberOf(entries[index]!))];
  const verbs = (number: number) => shards.find((shard) => shard.number === number)!.verbs;
  if (parts.length <= 1) return answer(verbs(parts[0]?.[0] ?? shards[0]!.number), entries);
  const ends = await Promise.allSettled(
    parts.map(([number, indexes]) =>
      answer(
        verbs(number),
        indexes.map((index) => entries[index]!),
      ),
    ),
  );
  const failures: unknown[] = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []));
  const failure = failures.find((reason) => !isRetryable(reason));
  if (failure !== undefined) throw failure;
  if (failures.length === ends.length) throw failures[0];
  const answers = new Array<Answer>(entries.length);
  for (const [place, [, indexes]] of parts.entries()) {
    const end = ends[place]!;
    for (const [n, index] of indexes.entries())
      answers[index] = end.status === 'fulfilled' ? end.value[n]! : refuse(end.reason as Fault);
  }
  return answers;
}

/** Sets something on every shard. @throws the fault of one that fails; the same call again sets all */
export async function onEach<Value>(
  shards: readonly RoutedShard[],
  set: (shard: RoutedShard) => Promise<Value>,
): Promise<Value> {
  const ends = await Promise.allSettled(shards.map(set));
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return (ends[0] as PromiseFulfilledResult<Value>).value;
}

/** Does something shard by shard where the topic is. @throws Fault `NOT_FOUND` when it is nowhere */
async function whereFound<Value>(
  shards: readonly RoutedShard[],
  act: (shard: RoutedShard) => Promise<Value>,
): Promise<readonly Value[]> {
  const values: Value[] = [];
  for (const shard of shards) {
    try {
      values.push(await act(shard));
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'NOT_FOUND') throw error;
    }
  }
  if (values.length === 0) throw notFound('Topic');
  return values;
}

function addTopicCounts(parts: readonly TopicCounts[]): TopicCounts {
  const ages = parts.flatMap((part) => part.oldestReadySeconds ?? []);
  return {
    depth: sum(parts.map((part) => part.depth)),
    ready: sum(parts.map((part) => part.ready)),
    delayed: sum(parts.map((part) => part.delayed)),
    leased: sum(parts.map((part) => part.leased)),
    dead: sum(parts.map((part) => part.dead)),
    oldestReadySeconds: ages.length === 0 ? null : Math.max(...ages),
  };
}

const deliveryOrder = ['READY', 'DELAYED', 'LEASED'];

function compareDelivery(a: QueueItem, b: QueueItem): number {
  const byState = deliveryOrder.indexOf(a.state) - deliveryOrder.indexOf(b.state);
  if (byState !== 0) return byState;
  if (a.state === 'LEASED')
    return (a.leaseExpiresAt?.getTime() ?? 0) - (b.leaseExpiresAt?.getTime() ?? 0) || (a.id < b.id ? -1 : 1);
  const due = (a.deliverAfter?.getTime() ?? 0) - (b.deliverAfter?.getTime() ?? 0);
  const byPriority = (a.effectivePriority ?? 0) - (b.effectivePriority ?? 0);
  const first = a.state === 'READY' ? byPriority || due : due || byPriority;
  return first || (a.id < b.id ? -1 : 1);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
