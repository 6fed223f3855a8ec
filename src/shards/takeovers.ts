import type { RoutingStore } from './routing.ts';

/** A takeover is told at most this often: what matters is the day, not the minute. */
const noteMilliseconds = 60_000;

/** Tells all processes that a shard's keys may lie elsewhere, because others took what was meant for it. */
export class Takeovers {
  readonly #store: RoutingStore;
  readonly #now: () => number;
  readonly #notedAt = new Map<number, number>();

  constructor(store: RoutingStore, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  note(shard: number): void {
    const now = this.#now();
    if (now - (this.#notedAt.get(shard) ?? Number.NEGATIVE_INFINITY) < noteMilliseconds) return;
    this.#notedAt.set(shard, now);
    const change = {
      key: `takeover.${shard}`,
      value: true,
      by: 'caseload',
      at: new Date(now).toISOString(),
      reason: null,
    };
    this.#store.note(change);
  }
}
