import { quantile } from './statistics.ts';

/** Times of one kind of request, in milliseconds. */
export interface Times {
  readonly p50: number;
  readonly p99: number;
}

/** What a closed loop did while it was measured. */
export interface Measurement {
  readonly operations: number;
  readonly seconds: number;
  readonly times: Readonly<Record<string, Times>>;
  /** Operations in each second, the last one cut short. */
  readonly perSecond: readonly number[];
  /** There was nothing left to work on before the time was over; the figures are up to there. */
  readonly ranDry: boolean;
}

/** Counts operations and times of a closed loop between its warm-up and its end. */
export class Recorder {
  readonly #times = new Map<string, number[]>();
  readonly #perSecond: number[] = [];
  #startedAt = Number.POSITIVE_INFINITY;
  #endedAt = Number.POSITIVE_INFINITY;
  #operations = 0;
  #ranDry = false;

  start(): void {
    this.#startedAt = performance.now();
  }

  /** A request that began at `begunAt` was answered now. */
  answered(kind: string, begunAt: number): void {
    const now = performance.now();
    if (now < this.#startedAt || now >= this.#endedAt) return;
    const times = this.#times.get(kind);
    if (times === undefined) this.#times.set(kind, [now - begunAt]);
    else times.push(now - begunAt);
  }

  /** One whole operation, which may have taken several requests, is done now. */
  completed(): void {
    const now = performance.now();
    if (now < this.#startedAt || now >= this.#endedAt) return;
    this.#operations += 1;
    const second = Math.floor((now - this.#startedAt) / 1_000);
    this.#perSecond[second] = (this.#perSecond[second] ?? 0) + 1;
  }

  end(ranDry = false): void {
    if (this.#endedAt !== Number.POSITIVE_INFINITY) return;
    this.#endedAt = performance.now();
    this.#ranDry = ranDry;
  }

  /** @throws Error when nothing was measured */
  result(): Measurement {
    const seconds = (this.#endedAt - this.#startedAt) / 1_000;
    if (!(seconds > 0) || this.#operations === 0) throw new Error('Nothing was measured: the work ran out too early');
    const times: Record<string, Times> = {};
    for (const [kind, values] of this.#times) {
      const sorted = Float64Array.from(values).sort();
      times[kind] = { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) };
    }
    const perSecond = Array.from(this.#perSecond, (count) => count ?? 0);
    return { operations: this.#operations, seconds, times, perSecond, ranDry: this.#ranDry };
  }
}
