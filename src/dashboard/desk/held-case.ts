import type { LeasePartsFragment, WholeCaseFragment } from '../graphql/documents.ts';
import type { LeaseClock } from './lease-clock.ts';
import { readLeaseClock } from './lease-clock.ts';

/** The case in hand. */
export interface HeldCase {
  readonly case: WholeCaseFragment;
  readonly clock: LeaseClock;
  /** Extending no further than this: the lease has been held as long as any may be. */
  readonly latestEnd?: string | undefined;
}

/** Why the case is not in hand any more. */
export interface Loss {
  /** Who has it now. */
  readonly holder: string | null;
  readonly since: string | null;
  /** Nobody has it: it can be taken back. */
  readonly reclaimable: boolean;
  /** It is over: somebody decided it. */
  readonly decidedBy?: string | undefined;
}

export type Desk =
  | { readonly kind: 'loading' }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'free'; readonly empty?: Emptiness | undefined; readonly waiting: boolean }
  | { readonly kind: 'holding'; readonly held: HeldCase }
  | { readonly kind: 'lost'; readonly held: HeldCase; readonly loss: Loss };

/** Why there was no case. */
export interface Emptiness {
  readonly reason: 'ALL_HELD' | 'EMPTY' | 'NOT_DUE' | 'NOT_ELIGIBLE' | 'PAUSED';
  readonly nextEligibleAt?: string | null | undefined;
}

export function takeCase(found: { readonly case: WholeCaseFragment; readonly lease: LeasePartsFragment }): HeldCase {
  return { case: found.case, clock: readLeaseClock(found.lease) };
}
