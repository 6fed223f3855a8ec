import type { Verdict } from '../domain/case.ts';

export const verbs = ['register', 'claim', 'extend', 'release', 'decide'] as const;
/** What clients of the load driver ask for. */
export type Verb = (typeof verbs)[number];

/**
 * What a client knows after one request. `ok`: it was done. `fail`: it was not. `unknown`: the answer never came, or
 * said that the record could not be reached; it may have been done, or may still be.
 */
export type Outcome = 'ok' | 'fail' | 'unknown';

/** A lease as its holder was told of it. All times are the server's, in milliseconds since the epoch. */
export interface ToldLease {
  readonly acquiredAtMs: number;
  readonly expiresAtMs: number;
  readonly serverTimeMs: number;
}

/** One request of one client and what it was told. A repeated request is an entry of its own under the same key. */
export interface Told {
  readonly client: string;
  readonly verb: Verb;
  readonly outcome: Outcome;
  /** The result's type, a fault's code, or what broke the connection. */
  readonly answer: string;
  /** By the driver's clock, in milliseconds since the epoch. */
  readonly startedMs: number;
  readonly endedMs: number;
  /** The idempotency key, where there is one. */
  readonly key: string | null;
  readonly caseId: string | null;
  /** The lease that was given, or under which the client acted. */
  readonly lease: ToldLease | null;
  readonly verdict: Verdict | null;
}

/** An event that a watcher of live updates received, in the order of arrival. */
export interface Seen {
  readonly watcher: string;
  readonly position: number;
  readonly sequence: number;
  readonly caseId: string;
  readonly type: string;
}

/** A time in which a server was down, so that nobody could be served. */
export interface Disturbance {
  readonly what: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Everything that the clients of one run were told. */
export interface History {
  readonly told: readonly Told[];
  /** Who watched from before the first registration to after the last decision. */
  readonly watchers: readonly string[];
  readonly seen: readonly Seen[];
  readonly disturbances: readonly Disturbance[];
}

/** The present moment by the driver's clock, never going back; in milliseconds since the epoch. */
export function driverClock(): number {
  return performance.timeOrigin + performance.now();
}
