import { limits } from '../domain/limits.ts';
import { RecentCache } from '../domain/recent-cache.ts';
import type { HeadListener } from '../jetstream/engine-announcer.ts';
import type { ShardTopic } from '../jetstream/subjects.ts';

/** The reconciler repeats itself every ten seconds at the latest. */
const freshMilliseconds = 12_000;

/**
 * Which shards were heard of lately to have ready items of a topic of the priority queue: items may lie beside their
 * topic's homes, because a shard was away, or was added or drained since. Only hints: a consumer that finds nothing
 * looks everywhere.
 */
export class ReadyMarks implements HeadListener {
  readonly #now: () => number;
  readonly #heardAt = new RecentCache<number>(limits.consumersRemembered);

  constructor(now: () => number) {
    this.#now = now;
  }

  onReady(topic: ShardTopic): void {
    if (topic.system === 'queue') this.#heardAt.set(keyOf(topic), this.#now());
  }

  onLying(topic: ShardTopic, items: number): void {
    if (items > 0) this.onReady(topic);
  }

  has(topic: Omit<ShardTopic, 'system'>): boolean {
    const heardAt = this.#heardAt.get(keyOf(topic));
    return heardAt !== undefined && this.#now() - heardAt < freshMilliseconds;
  }
}

function keyOf({ shard, namespace, topic }: Omit<ShardTopic, 'system'>): string {
  return `${shard}/${namespace}/${topic}`;
}
