/** How long the requests of one kind took. */
export interface Durations {
  readonly requests: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** The smallest value that so many of a hundred do not exceed; NaN for none. The values must be sorted. */
export function percentile(sorted: readonly number[], percent: number): number {
  if (sorted.length === 0) return Number.NaN;
  return sorted[Math.min(sorted.length - 1, Math.ceil((sorted.length * percent) / 100) - 1)]!;
}

export function summarizeDurations(milliseconds: readonly number[]): Durations {
  const sorted = [...milliseconds].sort((a, b) => a - b);
  return { requests: sorted.length, p50Ms: percentile(sorted, 50), p99Ms: percentile(sorted, 99) };
}
