import type { NamedTopic, QueueTraffic } from './traffic.ts';

/** A debt lasts this long at most: what others did before is not held against anybody for ever. */
const debtSeconds = 10;
/** Buckets that nobody asked for so long are given up, with their ear on the others. */
const idleMilliseconds = 60_000;
/** Limited topics and namespaces that one process bounds at a time. */
const bucketsMax = 10_000;

interface Bucket {
  tokens: number;
  at: number;
  usedAt: number;
  readonly stop: () => void;
}

/**
 * Bounds how many items a second come into a topic, or into all topics of a namespace (the name `*`), over all processes
 * together. A second's worth may come at once. Processes tell each other every second what they let in, and each takes
 * that out of its own bucket, also below nothing; so they may exceed the rate by a second's worth each when they begin,
 * and make up for it. While NATS is away each goes by what it lets in itself.
 */
export class RateBuckets {
  readonly #traffic: Pick<QueueTraffic, 'listen'>;
  readonly #now: () => number;
  readonly #buckets = new Map<string, Bucket>();
  #sweptAt: number;

  /** @param now a monotonic clock, milliseconds */
  constructor(traffic: Pick<QueueTraffic, 'listen'>, now: () => number) {
    this.#traffic = traffic;
    this.#now = now;
    this.#sweptAt = now();
  }

  /** Milliseconds until the next item may come; 0: now. */
  waitFor(topic: NamedTopic, perSecond: number | null): number {
    if (perSecond === null) return 0;
    const now = this.#now();
    const bucket = this.#open(topic, perSecond, now);
    bucket.tokens = Math.min(perSecond, bucket.tokens + ((now - bucket.at) * perSecond) / 1_000);
    bucket.tokens = Math.max(bucket.tokens, -debtSeconds * perSecond);
    bucket.at = now;
    bucket.usedAt = now;
    return bucket.tokens >= 1 ? 0 : ((1 - bucket.tokens) * 1_000) / perSecond;
  }

  /** An item was let in. */
  take(topic: NamedTopic): void {
    const bucket = this.#buckets.get(keyOf(topic));
    if (bucket !== undefined) bucket.tokens -= 1;
  }

  #open(topic: NamedTopic, perSecond: number, now: number): Bucket {
    const key = keyOf(topic);
    const known = this.#buckets.get(key);
    if (known !== undefined) return known;
    this.#sweep(now);
    const bucket: Bucket = {
      tokens: perSecond,
      at: now,
      usedAt: now,
      stop: this.#traffic.listen(topic, ({ enqueued }, isOwn) => {
        if (!isOwn) bucket.tokens -= enqueued;
      }),
    };
    this.#buckets.set(key, bucket);
    return bucket;
  }

  /** Gives up what nobody uses; when there are too many, the oldest. */
  #sweep(now: number): void {
    if (now - this.#sweptAt < idleMilliseconds && this.#buckets.size < bucketsMax) return;
    this.#sweptAt = now;
    for (const [key, { usedAt, stop }] of this.#buckets) {
      if (now - usedAt < idleMilliseconds && this.#buckets.size < bucketsMax) continue;
      stop();
      this.#buckets.delete(key);
    }
  }
}

function keyOf({ namespace, name }: NamedTopic): string {
  return `${namespace}/${name}`;
}
