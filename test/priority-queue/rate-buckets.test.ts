import { expect, test } from 'vitest';
import { RateBuckets } from '../../src/priority-queue/rate-buckets.ts';
import type { NamedTopic, TrafficCounts } from '../../src/priority-queue/traffic.ts';

type OnCounts = (counts: TrafficCounts, isOwn: boolean) => void;
const tellMilliseconds = 1_000;

/** Processes that tell each other every second what they let in. */
class Processes {
  now = 0;
  readonly buckets: RateBuckets[] = [];
  readonly #untold: number[] = [];
  readonly #ears: Map<string, OnCounts>[] = [];

  constructor(count: number) {
    for (let n = 0; n < count; n++) {
      const ears = new Map<string, OnCounts>();
      const listen = (topic: NamedTopic, onCounts: OnCounts): (() => void) => {
        ears.set(topic.name, onCounts);
        return () => void ears.delete(topic.name);
      };
      this.#ears.push(ears);
      this.#untold.push(0);
      this.buckets.push(new RateBuckets({ listen }, () => this.now));
    }
  }

  /** One item at one process. @returns whether it is let in */
  try(process: number, topic: NamedTopic, perSecond: number): boolean {
    const buckets = this.buckets[process]!;
    if (buckets.waitFor(topic, perSecond) > 0) return false;
    buckets.take(topic);
    this.#untold[process]! += 1;
    return true;
  }

  pass(milliseconds: number): void {
    this.now += milliseconds;
    if (this.now % tellMilliseconds !== 0) return;
    for (const [from, enqueued] of this.#untold.entries()) {
      const counts = { enqueued, delivered: 0, acked: 0, nacked: 0 };
      for (const [to, ears] of this.#ears.entries()) for (const ear of ears.values()) ear(counts, to === from);
      this.#untold[from] = 0;
    }
  }

  listening(process: number): number {
    return this.#ears[process]!.size;
  }
}

const topic = { namespace: 'acme', name: 'limited' };

test('lets in what a topic may have a second, over all processes, however many there are', () => {
  for (const count of [1, 2, 5]) {
    const processes = new Processes(count);
    const letIn: number[] = [];
    for (let second = 0; second < 30; second++) {
      let sum = 0;
      for (let step = 0; step < 100; step++) {
        for (let n = 0; n < count; n++) for (let k = 0; k < 5; k++) if (processes.try(n, topic, 100)) sum += 1;
        processes.pass(10);
      }
      letIn.push(sum);
    }
    const total = letIn.reduce((sum, one) => sum + one, 0);
    // A second's worth at once, and each may exceed by two before the others hear of it.
    expect(total).toBeLessThanOrEqual(30 * 100 + 100 + 2 * 100 * (count - 1));
    expect(total).toBeGreaterThanOrEqual(30 * 100 * 0.9);
    expect(letIn[0]).toBeLessThanOrEqual(count * 200);
  }
});

test('gives up the buckets that nobody asks for, and what others did long ago', () => {
  const processes = new Processes(2);
  expect(processes.try(0, topic, 10)).toBe(true);
  expect(processes.listening(0)).toBe(1);
  processes.pass(61_000);
  expect(processes.try(0, { ...topic, name: 'another' }, 10)).toBe(true);
  expect(processes.listening(0)).toBe(1);
  for (let n = 0; n < 100_000; n++) processes.try(1, topic, 1_000_000);
  processes.try(0, topic, 10);
  processes.pass(1_000);
  // A hundred thousand at ten a second would be hours; ten seconds are held against it.
  expect(processes.buckets[0]!.waitFor(topic, 10)).toBeLessThanOrEqual(10_100);
  processes.pass(10_100);
  expect(processes.try(0, topic, 10)).toBe(true);
});
