export const violationKinds = [
  'lost',
  'decided twice',
  'held by two at once',
  'acted without a live lease',
  'lease ended early',
  'attempt out of order',
  'time went back',
  'record contradicts itself',
  'answer contradicts the record',
  'key had two effects',
  'stuck',
  'update missed',
  'update doubled',
] as const;
/** What must not be. */
export type ViolationKind = (typeof violationKinds)[number];

export interface Violation {
  readonly kind: ViolationKind;
  readonly caseId: string | null;
  readonly detail: string;
}

const violationsKept = 50;

/** Collects violations: all are counted, the first ones of each kind are kept with their details. */
export class Findings {
  readonly #counts = new Map<ViolationKind, number>();
  readonly #kept: Violation[] = [];
  readonly #excused = new Map<ViolationKind, number>();

  add(kind: ViolationKind, caseId: string | null, detail: string): void {
    const count = this.count(kind) + 1;
    this.#counts.set(kind, count);
    if (count <= violationsKept) this.#kept.push({ kind, caseId, detail });
  }

  /** Counts something that must not be but that is promised to be possible, and said so to users. */
  excuse(kind: ViolationKind): void {
    this.#excused.set(kind, this.countExcused(kind) + 1);
  }

  countExcused(kind: ViolationKind): number {
    return this.#excused.get(kind) ?? 0;
  }

  count(kind: ViolationKind): number {
    return this.#counts.get(kind) ?? 0;
  }

  get total(): number {
    let total = 0;
    for (const count of this.#counts.values()) total += count;
    return total;
  }

  get violations(): readonly Violation[] {
    return this.#kept;
  }

  /** Kinds that were found, in a fixed order. */
  get kinds(): readonly ViolationKind[] {
    return violationKinds.filter((kind) => this.count(kind) > 0);
  }
}
