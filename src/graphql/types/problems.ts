import type { HeldCase } from '../../cases/case-rows.ts';
import type { LostLease } from '../../cases/lost-lease.ts';
import type { Decision } from '../../domain/case.ts';
import type { Emptiness } from '../../queue/claims.ts';
import type { ProblemShape } from '../builder.ts';
import { builder, Problem } from '../builder.ts';
import { CaseLeaseRef, DecisionRef } from './case.ts';

export interface LeaseLostShape extends ProblemShape, LostLease {
  readonly kind: 'LeaseLost';
}

export const LeaseLost = builder.objectRef<LeaseLostShape>('LeaseLost').implement({
  interfaces: [Problem],
  description: 'The token is dead: the lease ended or the case went to somebody else. Nothing was changed.',
  fields: (t) => ({
    holder: t.exposeString('holder', { nullable: true, description: 'Who holds the case now, if anybody does.' }),
    since: t.expose('since', { type: 'DateTime', nullable: true }),
    reclaimable: t.exposeBoolean('reclaimable', {
      description: 'Nobody has taken the case yet: `claimCase` may get it back.',
    }),
  }),
});

export function leaseLost(lost: LostLease): LeaseLostShape {
  const message =
    lost.holder === null ? 'This lease has ended' : `This lease has ended; ${lost.holder} holds the case now`;
  return {
    kind: 'LeaseLost',
    code: 'LEASE_LOST',
    message,
    retryable: false,
    holder: lost.holder,
    since: lost.since,
    reclaimable: lost.reclaimable,
  };
}

export interface LeaseLimitReachedShape extends ProblemShape {
  readonly kind: 'LeaseLimitReached';
  readonly latestEnd: Date;
}

export const LeaseLimitReached = builder.objectRef<LeaseLimitReachedShape>('LeaseLimitReached').implement({
  interfaces: [Problem],
  description: 'The lease would last longer than leases may in all. It stays as it was.',
  fields: (t) => ({ latestEnd: t.expose('latestEnd', { type: 'DateTime' }) }),
});

export interface AlreadyDecidedShape extends ProblemShape {
  readonly kind: 'AlreadyDecided';
  readonly decision: Decision;
}

export const AlreadyDecided = builder.objectRef<AlreadyDecidedShape>('AlreadyDecided').implement({
  interfaces: [Problem],
  fields: (t) => ({ decision: t.field({ type: DecisionRef, resolve: (problem) => problem.decision }) }),
});

export function alreadyDecided(decision: Decision): AlreadyDecidedShape {
  return {
    kind: 'AlreadyDecided',
    code: 'ALREADY_DECIDED',
    message: 'The case has been decided',
    retryable: false,
    decision,
  };
}

/** In unions that have no other refusal, so that `... on Problem` may stand in every mutation. */
export const Refused = builder.objectRef<ProblemShape & { readonly kind: 'Refused' }>('Refused').implement({
  interfaces: [Problem],
  description:
    'A refusal that has no type of its own. None is given today; a client that asks for `... on Problem` is ready for it.',
});

export interface IdempotencyConflictShape extends ProblemShape {
  readonly kind: 'IdempotencyConflict';
}

export const IdempotencyConflict = builder.objectRef<IdempotencyConflictShape>('IdempotencyConflict').implement({
  interfaces: [Problem],
  description: 'The idempotency key was used for another request before.',
});

export function idempotencyConflict(): IdempotencyConflictShape {
  return {
    kind: 'IdempotencyConflict',
    code: 'IDEMPOTENCY_CONFLICT',
    message: 'This idempotency key was used for another request',
    retryable: false,
  };
}

export interface DocumentNotReadyShape extends ProblemShape {
  readonly kind: 'DocumentNotReady';
  readonly documentId: string;
}

export const DocumentNotReady = builder.objectRef<DocumentNotReadyShape>('DocumentNotReady').implement({
  interfaces: [Problem],
  description: 'A document is unknown, not uploaded yet, or registered with a case already. Nothing was registered.',
  fields: (t) => ({ documentId: t.exposeID('documentId') }),
});

const documentMessages = {
  UNKNOWN: 'There is no such document of yours',
  AWAITING: 'The bytes of this document have not been uploaded yet',
  ATTACHED: 'This document is registered with a case already',
} as const;

export function documentNotReady(documentId: string, state: keyof typeof documentMessages): DocumentNotReadyShape {
  const retryable = state === 'AWAITING';
  return {
    kind: 'DocumentNotReady',
    code: 'DOCUMENT_NOT_READY',
    message: documentMessages[state],
    retryable,
    documentId,
  };
}

const NoCaseReason = builder.enumType('NoCaseReason', {
  values: {
    EMPTY: { description: 'No case is open.' },
    ALL_HELD: { description: 'Others hold all open cases.' },
    NOT_ELIGIBLE: { description: 'The asker registered or held before whatever is open.' },
    NOT_DUE: { description: 'Open cases wait for their time.' },
  },
});

export interface NoCaseAvailableShape extends ProblemShape {
  readonly kind: 'NoCaseAvailable';
  readonly emptiness: Emptiness;
}

export const NoCaseAvailable = builder.objectRef<NoCaseAvailableShape>('NoCaseAvailable').implement({
  interfaces: [Problem],
  fields: (t) => ({
    reason: t.field({ type: NoCaseReason, resolve: (problem) => problem.emptiness.reason }),
    nextEligibleAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the next case may become free, if that is known.',
      resolve: (problem) => problem.emptiness.nextEligibleAt,
    }),
  }),
});

const emptinessMessages = {
  EMPTY: 'No case is open',
  ALL_HELD: 'Others hold all open cases',
  NOT_ELIGIBLE: 'You registered or held before whatever is open',
  NOT_DUE: 'Open cases wait for their time',
} as const;

export function noCaseAvailable(emptiness: Emptiness): NoCaseAvailableShape {
  const { reason } = emptiness;
  return {
    kind: 'NoCaseAvailable',
    code: 'NO_CASE_AVAILABLE',
    message: emptinessMessages[reason],
    retryable: true,
    retryAfterMs: 1_000,
    emptiness,
  };
}

export interface ClaimLimitReachedShape extends ProblemShape {
  readonly kind: 'ClaimLimitReached';
  readonly held: readonly HeldCase[];
}

export const ClaimLimitReached = builder.objectRef<ClaimLimitReachedShape>('ClaimLimitReached').implement({
  interfaces: [Problem],
  description: 'The asker holds as many cases as allowed; here they are.',
  fields: (t) => ({ leases: t.field({ type: [CaseLeaseRef], resolve: (problem) => [...problem.held] }) }),
});

export function claimLimitReached(held: readonly HeldCase[]): ClaimLimitReachedShape {
  return {
    kind: 'ClaimLimitReached',
    code: 'CLAIM_LIMIT_REACHED',
    message: 'You hold as many cases as allowed',
    retryable: false,
    held,
  };
}

export interface TopicPausedShape extends ProblemShape {
  readonly kind: 'TopicPaused';
  readonly topic: string;
}

export const TopicPaused = builder.objectRef<TopicPausedShape>('TopicPaused').implement({
  interfaces: [Problem],
  fields: (t) => ({ topic: t.exposeString('topic') }),
});

export function topicPaused(topic: string): TopicPausedShape {
  return {
    kind: 'TopicPaused',
    code: 'TOPIC_PAUSED',
    message: 'This topic is paused',
    retryable: true,
    retryAfterMs: 30_000,
    topic,
  };
}

export interface CaseHeldShape extends ProblemShape {
  readonly kind: 'CaseHeld';
  readonly holder: string;
  readonly expiresAt: Date;
}

export const CaseHeld = builder.objectRef<CaseHeldShape>('CaseHeld').implement({
  interfaces: [Problem],
  description: 'Somebody else holds the case.',
  fields: (t) => ({ holder: t.exposeString('holder'), expiresAt: t.expose('expiresAt', { type: 'DateTime' }) }),
});

export function caseHeld(holder: string, expiresAt: Date): CaseHeldShape {
  return {
    kind: 'CaseHeld',
    code: 'CASE_HELD',
    message: `${holder} holds this case`,
    retryable: true,
    holder,
    expiresAt,
  };
}
