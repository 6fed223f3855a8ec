import type { QueueTopic } from '../domain/queue-item.ts';
import { RecentCache } from '../domain/recent-cache.ts';
import type { Refusal } from './enqueue.ts';
import type { TopicCounts } from './list-topics.ts';
import type { QueueSettings } from './settings.ts';

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

interface Bucket {
  tokens: number;
  at: number;
}

export interface EnqueueGateOptions {
  readonly countTopic: (topicId: number) => Promise<TopicCounts>;
  readonly settings: QueueSettings;
  /** A monotonic clock, milliseconds. */
  readonly now: () => number;
}

/**
 * Refuses items beyond the limits of their topic or namespace. Depth is counted in the rows at least every second, and
 * what this process lets in is added; so other processes can exceed it by what they let in meanwhile. Rates are this
 * process's own: a second's worth at once, then as many a second.
 */
export class EnqueueGate {
  readonly #options: EnqueueGateOptions;
  readonly #depths = new RecentCache<Depth>(10_000);
  readonly #buckets = new RecentCache<Bucket>(10_000);

  constructor(options: EnqueueGateOptions) {
    this.#options = options;
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
    const ofTopic = `topic ${topic.id}`;
    const ofNamespace = `namespace ${topic.namespace}`;
    if (topic.maxDepth !== null && (await this.#isFull(ofTopic, topic.maxDepth, () => this.#countTopic(topic.id)))) {
      return full(`This topic has ${topic.maxDepth} open items, as many as it may`);
    }
    const countAll = (): Promise<number> => this.#countNamespace(topic.namespace);
    if (all.maxDepth !== null && (await this.#isFull(ofNamespace, all.maxDepth, countAll))) {
      return full(`This namespace has ${all.maxDepth} open items, as many as it may`);
    }
    const wait = Math.max(
      this.#waitFor(ofTopic, topic.enqueuesPerSecond),
      this.#waitFor(ofNamespace, all.enqueuesPerSecond),
    );
    if (wait > 0) {
      const message = 'More items a second than may be enqueued';
      return { kind: 'refused', code: 'RATE_LIMITED', message, retryAfterMs: Math.ceil(wait) };
    }
    this.#take(ofTopic);
    this.#take(ofNamespace);
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

  async #countTopic(topicId: number): Promise<number> {
    return (await this.#options.countTopic(topicId)).depth;
  }

  async #countNamespace(namespace: string): Promise<number> {
    const topics = await this.#options.settings.list(namespace, null);
    const counts = await Promise.all(topics.map((topic) => this.#countTopic(topic.id)));
    return counts.reduce((sum, depth) => sum + depth, 0);
  }

  /** Milliseconds until the next item may come; 0: now. */
  #waitFor(key: string, perSecond: number | null): number {
    if (perSecond === null) return 0;
    const now = this.#options.now();
    const bucket = this.#buckets.get(key) ?? { tokens: perSecond, at: now };
    bucket.tokens = Math.min(perSecond, bucket.tokens + ((now - bucket.at) * perSecond) / 1_000);
    bucket.at = now;
    this.#buckets.set(key, bucket);
    return bucket.tokens >= 1 ? 0 : ((1 - bucket.tokens) * 1_000) / perSecond;
  }

  #take(key: string): void {
    const depth = this.#depths.get(key);
    if (depth !== undefined) depth.items += 1;
    const bucket = this.#buckets.get(key);
    if (bucket !== undefined) bucket.tokens -= 1;
  }
}

function full(message: string): Refusal {
  return { kind: 'refused', code: 'TOPIC_FULL', message, retryAfterMs: fullRetryMilliseconds };
}
