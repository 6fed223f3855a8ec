/** How long to wait before trying again: longer each time, up to a cap, and never all at the same moment. */
export interface BackoffRule {
  readonly firstMilliseconds: number;
  /** Each wait is so many times the one before. */
  readonly factor: number;
  readonly capMilliseconds: number;
}

export const defaultBackoff: BackoffRule = { firstMilliseconds: 2_000, factor: 2, capMilliseconds: 3_600_000 };

/**
 * The wait after a failed attempt: the rule's length, of which a random half is taken away, so that tasks that failed
 * together are not tried together.
 * @param attempt the attempt that failed, from 1
 * @param random from 0 up to, not including, 1
 * @returns whole milliseconds, at least 1
 */
export function retryDelayMilliseconds(rule: BackoffRule, attempt: number, random: number): number {
  const full = Math.min(rule.capMilliseconds, rule.firstMilliseconds * rule.factor ** Math.max(0, attempt - 1));
  return Math.max(1, Math.round(full * (1 - random / 2)));
}
