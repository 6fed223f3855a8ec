interface Entry<Value> {
  readonly value: Value;
  readonly weight: number;
  /** Asked for since it was put in, or since it was spared. */
  used: boolean;
}

/**
 * Keeps what was used lately, bounded by the number of entries and by the sum of their weights. When there is too much,
 * the oldest entries go, but one that was used since gets a second chance: to note each use in the order of the Map
 * would cost more than what most entries save.
 */
export class RecentCache<Value> {
  readonly #entries = new Map<string, Entry<Value>>();
  readonly #entriesMax: number;
  readonly #weightMax: number;
  #weight = 0;

  constructor(entriesMax: number, weightMax = Number.POSITIVE_INFINITY) {
    this.#entriesMax = entriesMax;
    this.#weightMax = weightMax;
  }

  get size(): number {
    return this.#entries.size;
  }

  get weight(): number {
    return this.#weight;
  }

  /** The value kept under the key. */
  get(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    entry.used = true;
    return entry.value;
  }

  /** Keeps a value and drops older ones until the bounds hold. One that is too heavy alone is not kept. */
  set(key: string, value: Value, weight = 1): void {
    this.delete(key);
    if (weight > this.#weightMax) return;
    this.#entries.set(key, { value, weight, used: false });
    this.#weight += weight;
    // A Map keeps the order of insertion: what is put back comes up again after all others, then without its chance.
    for (const [oldest, entry] of this.#entries) {
      if (this.#entries.size <= this.#entriesMax && this.#weight <= this.#weightMax) return;
      if (entry.used || oldest === key) {
        entry.used = false;
        this.#entries.delete(oldest);
        this.#entries.set(oldest, entry);
      } else {
        this.delete(oldest);
      }
    }
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#weight -= entry.weight;
  }
}
