import type { QueueTopic } from '../domain/queue-item.ts';
import { RecentCache } from '../domain/recent-cache.ts';
import type { CountDepth } from './count-depth.ts';
import type { Refusal } from './enqueue.ts';
import { RateBuckets } from './rate-buckets.ts';
import type { QueueTraffic } from './traffic.ts';

/** How old a count may be while there is room, and while there seems to be none. */
const countMilliseconds = 1_000;
const fullCountMilliseconds = 100;
/** Counting takes at most this part of the time. */
const countShare = 50;
const fullRetryMilliseconds = 1_000;

interface Depth {
  items: number;
  readonly countedAt: number;
  readonly tookMilliseconds: number;
}

export interface EnqueueGateOptions {
  readonly countDepth: CountDepth;
  readonly traffic: Pick<QueueTraffic, 'listen'>;
  /** A monotonic clock, milliseconds. */
  readonly now: () => number;
}

/**
 * Refuses items beyond the limits of their topic or namespace, over all shards; one for a process. Depth is counted in
 * the rows at least every second, and what this process lets in is added; so other processes can exceed it by what they
 * let in meanwhile, and items on a shard that is away are not counted. Rates are those of all processes together, see
 * `RateBuckets`.
 */
export class EnqueueGate {
  readonly #options: EnqueueGateOptions;
  readonly #depths = new RecentCache<Depth>(10_000);
  readonly #rates: RateBuckets;

  constructor(options: EnqueueGateOptions) {
    this.#options = options;
    this.#rates = new RateBuckets(options.traffic, options.now);
  }

  /** Whether there is anything to judge; hot paths ask here first. */
  limits({ maxDepth, enqueuesPerSecond, namespaceLimits }: QueueTopic): boolean {
    return (
      maxDepth !== null ||
      enqueuesPerSecond !== null ||
      namespaceLimits.maxDepth !== null ||
      namespaceLimits.enqueuesPerSecond !== null
    );
  }

  /** Lets one item in, or says why not. @throws Fault `UNAVAILABLE` when it cannot be counted */
  async admit(topic: QueueTopic): Promise<Refusal | undefined> {
    const { namespaceLimits: all } = topic;
    const { countDepth } = this.#options;
    const ofTopic = `topic ${topic.namespace}/${topic.name}`;
    const ofNamespace = `namespace ${topic.namespace}`;
    const countTopic = (): Promise<number> => countDepth.ofTopic(topic.namespace, topic.name);
    if (topic.maxDepth !== null && (await this.#isFull(ofTopic, topic.maxDepth, countTopic))) {
      return full(`This topic has ${topic.maxDepth} open items, as many as it may`);
    }
    const countAll = (): Promise<number> => countDepth.ofNamespace(topic.namespace);
    if (all.maxDepth !== null && (await this.#isFull(ofNamespace, all.maxDepth, countAll))) {
      return full(`This namespace has ${all.maxDepth} open items, as many as it may`);
    }
    const everyTopic = { namespace: topic.namespace, name: '*' };
    const wait = Math.max(
      this.#rates.waitFor(topic, topic.enqueuesPerSecond),
      this.#rates.waitFor(everyTopic, all.enqueuesPerSecond),
    );
    if (wait > 0) {
      const message = 'More items a second than may be enqueued';
      return { kind: 'refused', code: 'RATE_LIMITED', message, retryAfterMs: Math.ceil(wait) };
    }
    this.#rates.take(topic);
    this.#rates.take(everyTopic);
    for (const key of [ofTopic, ofNamespace]) {
      const depth = this.#depths.get(key);
      if (depth !== undefined) depth.items += 1;
    }
    return undefined;
  }

  async #isFull(key: string, itemsMax: number, count: () => Promise<number>): Promise<boolean> {
    const known = this.#depths.get(key);
    const age = known === undefined ? Number.POSITIVE_INFINITY : this.#options.now() - known.countedAt;
    const seemsFull = known !== undefined && known.items >= itemsMax;
    const ageMax = Math.max(
      seemsFull ? fullCountMilliseconds : countMilliseconds,
      (known?.tookMilliseconds ?? 0) * countShare,
    );
    if (known !== undefined && age <= ageMax) return seemsFull;
    const startedAt = this.#options.now();
    const items = await count();
    const countedAt = this.#options.now();
    this.#depths.set(key, { items, countedAt, tookMilliseconds: countedAt - startedAt });
    return items >= itemsMax;
  }
}

function full(message: string): Refusal {
  return { kind: 'refused', code: 'TOPIC_FULL', message, retryAfterMs: fullRetryMilliseconds };
}
