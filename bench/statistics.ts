/** Figures of several rounds in short. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  return { median: quantile(sorted, 0.5), least: sorted.at(0) ?? Number.NaN, most: sorted.at(-1) ?? Number.NaN };
}

export function median(values: readonly number[]): number {
  return spread(values).median;
}

/** @param sorted in ascending order */
export function quantile(sorted: ArrayLike<number>, part: number): number {
  if (sorted.length === 0) return Number.NaN;
  const place = (sorted.length - 1) * part;
  const low = Math.floor(place);
  const below = sorted[low]!;
  const above = sorted[Math.min(low + 1, sorted.length - 1)]!;
  return below + (above - below) * (place - low);
}

/** Pairs two contenders' figures round by round: what disturbs one round disturbs both sides of its ratio. */
export function ratios(ours: readonly number[], theirs: readonly number[]): number[] {
  return ours.slice(0, theirs.length).map((value, round) => value / theirs[round]!);
}
