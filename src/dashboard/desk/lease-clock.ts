import type { LeasePartsFragment } from '../graphql/documents.ts';

/**
 * How long a lease still lasts. It counts from what the server said and from how long ago that was, never from the time
 * that this machine believes it is.
 */
export interface LeaseClock {
  readonly token: string;
  /** The whole length, counted from when it was last set. */
  readonly lengthMilliseconds: number;
  /** What was left when the answer came. */
  readonly leftMilliseconds: number;
  readonly wallAt: number;
  readonly steadyAt: number;
}

/** @param before the clock of the same lease, whose length an extension does not shorten */
export function readLeaseClock(lease: LeasePartsFragment, before?: LeaseClock): LeaseClock {
  const left = Date.parse(lease.expiresAt) - Date.parse(lease.serverTime);
  const whole = Date.parse(lease.expiresAt) - Date.parse(lease.acquiredAt);
  return {
    token: lease.token ?? '',
    lengthMilliseconds: before === undefined ? Math.max(whole, left) : Math.max(left, 1_000),
    leftMilliseconds: left,
    wallAt: Date.now(),
    steadyAt: performance.now(),
  };
}

/** Milliseconds left, 0 when it is over. A machine that slept stops one of its clocks, so the later one counts. */
export function leftOf(clock: LeaseClock): number {
  const passed = Math.max(Date.now() - clock.wallAt, performance.now() - clock.steadyAt);
  return Math.max(0, clock.leftMilliseconds - passed);
}
