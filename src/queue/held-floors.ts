/**
 * For each holder, a moment before which none of its living leases was acquired: leases are never acquired in the
 * past, so once true it stays true. Counting a holder's leases from there does not walk the dead rows of earlier ones.
 */
export class HeldFloors {
  readonly #floors = new Map<string, string>();
  readonly #holdersMax: number;

  constructor(holdersMax = 50_000) {
    this.#holdersMax = holdersMax;
  }

  get(namespace: string, holder: string): string {
    return this.#floors.get(`${namespace}\n${holder}`) ?? '-infinity';
  }

  set(namespace: string, holder: string, floor: string): void {
    const key = `${namespace}\n${holder}`;
    this.#floors.delete(key);
    this.#floors.set(key, floor);
    if (this.#floors.size > this.#holdersMax) {
      for (const oldest of this.#floors.keys()) {
        this.#floors.delete(oldest);
        break;
      }
    }
  }
}
