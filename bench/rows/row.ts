import type { Bench, Run } from '../bench.ts';
import { spread } from '../statistics.ts';

/** One row of the benchmark: a question, and the file that answers it. */
export interface Row {
  /** What `--only` takes. */
  readonly name: string;
  readonly title: string;
  run(bench: Bench): Promise<RowReport>;
}

export interface RowReport {
  readonly lines: readonly Line[];
  readonly goals: readonly Goal[];
  readonly notes: readonly string[];
}

/** Figures of one contender, a value for each round. */
export interface Line {
  readonly who: string;
  readonly what: string;
  readonly rates: readonly number[];
  /** Milliseconds. */
  readonly p50: readonly number[];
  readonly p99: readonly number[];
  /** Microseconds of processor time for one operation, by group, a value for each round. */
  readonly cpu: Readonly<Record<string, readonly number[]>>;
}

/** A figure with a bound: ratios round by round, or values. */
export interface Goal {
  readonly what: string;
  readonly values: readonly number[];
  readonly unit: string;
  /** Undefined for what is only told. */
  readonly bound: { readonly atLeast: number } | { readonly atMost: number } | undefined;
}

/** Says how much of the machine went to others, so that a reader can tell noise from the thing itself. */
export function noteOthers(runs: readonly Run[]): string[] {
  const shares = runs.map((run) => run.others).filter((share) => share !== undefined);
  if (shares.length === 0) return [];
  const { median: middle, most } = spread(shares.map((share) => share * 100));
  return [`Others took ${middle.toFixed(0)} % of the processors meanwhile, ${most.toFixed(0)} % at most.`];
}

/** @param kind the request whose times stand in the line; the operation's first kind when not given */
export function toLine(who: string, what: string, runs: readonly Run[], kind?: string): Line {
  const groups = new Set(runs.flatMap((run) => [...run.cpu.keys()]));
  const timesOf = (run: Run) => run.times[kind ?? Object.keys(run.times)[0] ?? ''];
  return {
    who,
    what,
    rates: runs.map((run) => run.rate),
    p50: runs.map((run) => timesOf(run)?.p50 ?? Number.NaN),
    p99: runs.map((run) => timesOf(run)?.p99 ?? Number.NaN),
    cpu: Object.fromEntries([...groups].map((group) => [group, runs.map((run) => run.cpu.get(group) ?? 0)])),
  };
}

export function isMet({ values, bound }: Goal, middle: number): boolean | undefined {
  if (bound === undefined || values.length === 0) return undefined;
  return 'atLeast' in bound ? middle >= bound.atLeast : middle <= bound.atMost;
}
