import type { NamedTopic, QueueTraffic, TrafficCounts, TrafficKind } from '../priority-queue/traffic.ts';
import { trafficKinds } from '../priority-queue/traffic.ts';
import type { NatsLink } from './connection.ts';
import { trafficSubject } from './subjects.ts';

const tellMilliseconds = 1_000;
/** Topics that one process counts in a second. */
const topicsMax = 10_000;

type Counts = Record<TrafficKind, number>;
type OnCounts = (counts: TrafficCounts, isOwn: boolean) => void;

/** Counts what passes and tells the other processes over core NATS. */
export class NatsQueueTraffic implements QueueTraffic {
  readonly totals: Counts = none();
  readonly #link: NatsLink;
  readonly #processId: string;
  readonly #untold = new Map<string, Counts>();
  readonly #listeners = new Map<string, Set<OnCounts>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(link: NatsLink, processId: string) {
    this.#link = link;
    this.#processId = processId;
  }

  count(topic: NamedTopic, kind: TrafficKind, items: number): void {
    this.totals[kind] += items;
    const subject = subjectOf(topic);
    let counts = this.#untold.get(subject);
    if (counts === undefined) {
      if (this.#untold.size >= topicsMax) return;
      counts = none();
      this.#untold.set(subject, counts);
    }
    counts[kind] += items;
    this.#timer ??= setTimeout(() => this.#tell(), tellMilliseconds).unref();
  }

  listen(topic: NamedTopic, onCounts: OnCounts): () => void {
    const subject = subjectOf(topic);
    const listeners = this.#listeners.get(subject) ?? new Set();
    this.#listeners.set(subject, listeners);
    listeners.add(onCounts);
    const subscription = this.#link.subscribe(subject, (message) => {
      const told = message.json<Partial<Record<TrafficKind | 'from', unknown>>>();
      if (told.from === this.#processId) return;
      const counts = none();
      for (const kind of trafficKinds) {
        const items = told[kind];
        if (typeof items === 'number' && Number.isFinite(items)) counts[kind] = items;
      }
      onCounts(counts, false);
    });
    return () => {
      subscription.unsubscribe();
      listeners.delete(onCounts);
      if (listeners.size === 0) this.#listeners.delete(subject);
    };
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #tell(): void {
    this.#timer = undefined;
    for (const [subject, counts] of this.#untold) {
      this.#link.publish(subject, JSON.stringify({ from: this.#processId, ...counts }));
      for (const listener of this.#listeners.get(subject) ?? []) listener(counts, true);
    }
    this.#untold.clear();
  }
}

function subjectOf(topic: NamedTopic): string {
  return trafficSubject(topic.namespace, topic.name);
}

function none(): Counts {
  return { enqueued: 0, delivered: 0, acked: 0, nacked: 0 };
}
