import type { OrderKey } from '../domain/order.ts';
import { compareKeys, lowerKey } from '../domain/order.ts';

/** How long picks may go on without looking at a topic from its very beginning. */
const fullScanMilliseconds = 1_000;

/**
 * Where a topic's first ready item was, as this process knows it. A pick that starts there does not walk the dead rows
 * before it, which is what keeps picks fast while somebody holds an old snapshot. Only a hint: it is lowered at once
 * by everything known to become ready before it, dropped at least every second, and dropped when a pick comes short.
 */
export class HeadHint {
  readonly #now: () => number;
  #key: OrderKey | undefined;
  #loweredDuringPicks: OrderKey | undefined;
  #picks = 0;
  #fullScanAt = Number.NEGATIVE_INFINITY;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Begins a pick. @returns the key to start from, or undefined for a scan from the beginning */
  begin(): OrderKey | undefined {
    this.#picks += 1;
    const now = this.#now();
    if (this.#key !== undefined && now - this.#fullScanAt < fullScanMilliseconds) return this.#key;
    this.#fullScanAt = now;
    return undefined;
  }

  /** Ends a pick that served everyone: the next may start at the last item it took. */
  advance(last: OrderKey): void {
    this.#end();
    const lowered = this.#loweredDuringPicks;
    this.#key = lowered !== undefined && compareKeys(lowered, last) < 0 ? lowered : last;
    if (this.#picks === 0) this.#loweredDuringPicks = undefined;
  }

  /** Ends a pick that failed or came short: nothing is known about the head any more. */
  drop(): void {
    this.#end();
    this.#key = undefined;
    if (this.#picks === 0) this.#loweredDuringPicks = undefined;
  }

  /** An item with this key became ready. */
  lower(key: OrderKey): void {
    if (this.#picks > 0) this.#loweredDuringPicks = lowerKey(this.#loweredDuringPicks, key);
    if (this.#key !== undefined) this.#key = lowerKey(this.#key, key);
  }

  #end(): void {
    this.#picks -= 1;
  }
}
