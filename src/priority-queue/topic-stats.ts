import type { Actor } from '../domain/actor.ts';
import { notFound } from '../domain/errors.ts';
import type { QueueTopic } from '../domain/queue-item.ts';
import type { TopicCounts } from './list-topics.ts';
import type { QueueTraffic, TrafficKind } from './traffic.ts';

const tickMilliseconds = 1_000;
/** Counting a large backlog takes at most a fiftieth of the time. */
const longestTickMilliseconds = 10_000;

/** How a topic stands, and how much passed since it was told last. */
export interface TopicStats extends TopicCounts {
  readonly at: Date;
  /** Items a second, of all processes. */
  readonly rates: Readonly<Record<TrafficKind, number>>;
}

export interface WatchTopicStatsDependencies {
  /** Checks role and namespace. */
  readonly findTopic: (actor: Actor | undefined, namespace: string, name: string) => Promise<QueueTopic | null>;
  readonly countTopic: (topic: QueueTopic) => Promise<TopicCounts>;
  readonly traffic: QueueTraffic;
}

/**
 * Tells how a topic stands, at once and then every second; less often when it takes long to count. All who watch a topic
 * in one process are told by one count.
 * @returns a function that throws Fault `FORBIDDEN`, `NOT_FOUND`, `BAD_USER_INPUT` or `UNAVAILABLE`
 */
export function createWatchTopicStats(
  dependencies: WatchTopicStatsDependencies,
): (
  actor: Actor | undefined,
  input: { readonly namespace: string; readonly topic: string },
) => Promise<AsyncIterableIterator<TopicStats>> {
  const boards = new Map<string, Board>();
  return async (actor, input) => {
    const topic = await dependencies.findTopic(actor, input.namespace, input.topic);
    if (topic === null) throw notFound('Topic');
    const key = `${topic.namespace}/${topic.name}`;
    let board = boards.get(key);
    if (board === undefined) {
      board = new Board(dependencies, topic, () => boards.delete(key));
      boards.set(key, board);
    }
    return watch(board);
  };
}

type OnStats = (stats: TopicStats | Error) => void;

/** Counts one topic again and again while somebody watches. */
class Board {
  readonly #dependencies: WatchTopicStatsDependencies;
  readonly #topic: QueueTopic;
  readonly #onDeserted: () => void;
  readonly #watchers = new Set<OnStats>();
  #passed = { enqueued: 0, delivered: 0, acked: 0, nacked: 0 };
  #since = performance.now();
  #last: TopicStats | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopListening: (() => void) | undefined;

  constructor(dependencies: WatchTopicStatsDependencies, topic: QueueTopic, onDeserted: () => void) {
    this.#dependencies = dependencies;
    this.#topic = topic;
    this.#onDeserted = onDeserted;
  }

  join(watcher: OnStats): void {
    this.#watchers.add(watcher);
    if (this.#last !== undefined) watcher(this.#last);
    if (this.#stopListening !== undefined) return;
    this.#stopListening = this.#dependencies.traffic.listen(this.#topic, (counts) => {
      for (const [kind, items] of Object.entries(counts)) this.#passed[kind as TrafficKind] += items;
    });
    void this.#tick();
  }

  leave(watcher: OnStats): void {
    this.#watchers.delete(watcher);
    if (this.#watchers.size > 0) return;
    clearTimeout(this.#timer);
    this.#stopListening?.();
    this.#onDeserted();
  }

  async #tick(): Promise<void> {
    const startedAt = performance.now();
    let pause = tickMilliseconds;
    try {
      const counts = await this.#dependencies.countTopic(this.#topic);
      const now = performance.now();
      pause = Math.min(longestTickMilliseconds, Math.max(tickMilliseconds, (now - startedAt) * 50));
      const seconds = Math.max(0.001, (now - this.#since) / 1_000);
      const { enqueued, delivered, acked, nacked } = this.#passed;
      const perSecond = (items: number): number => Math.round((items / seconds) * 10) / 10;
      this.#last = {
        ...counts,
        at: new Date(),
        rates: {
          enqueued: perSecond(enqueued),
          delivered: perSecond(delivered),
          acked: perSecond(acked),
          nacked: perSecond(nacked),
        },
      };
      this.#passed = { enqueued: 0, delivered: 0, acked: 0, nacked: 0 };
      this.#since = now;
      for (const watcher of this.#watchers) watcher(this.#last);
    } catch (error) {
      for (const watcher of [...this.#watchers]) watcher(error instanceof Error ? error : new Error(String(error)));
    }
    if (this.#watchers.size > 0) this.#timer = setTimeout(() => void this.#tick(), pause);
  }
}

/** What one watcher gets: always the latest, so that a slow one is never behind by more than one. */
function watch(board: Board): AsyncIterableIterator<TopicStats> {
  let latest: TopicStats | Error | undefined;
  let wake: (() => void) | undefined;
  let over = false;
  const onStats: OnStats = (stats) => {
    latest = stats;
    wake?.();
  };
  const end = (): void => {
    over = true;
    board.leave(onStats);
    wake?.();
  };
  board.join(onStats);
  return {
    async next() {
      while (latest === undefined && !over) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (over) return { done: true, value: undefined };
      const stats = latest!;
      latest = undefined;
      if (!(stats instanceof Error)) return { done: false, value: stats };
      end();
      throw stats;
    },
    async return() {
      if (!over) end();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
