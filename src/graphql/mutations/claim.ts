import type { HeldCase } from '../../cases/case-rows.ts';
import { builder } from '../builder.ts';
import { CaseRef, LeaseRef } from '../types/case.ts';
import type {
  AlreadyDecidedShape,
  CaseHeldShape,
  ClaimLimitReachedShape,
  NoCaseAvailableShape,
  TopicPausedShape,
} from '../types/problems.ts';
import {
  AlreadyDecided,
  alreadyDecided,
  CaseHeld,
  ClaimLimitReached,
  caseHeld,
  claimLimitReached,
  NoCaseAvailable,
  noCaseAvailable,
  TopicPaused,
  topicPaused,
} from '../types/problems.ts';

interface CaseClaimedShape {
  readonly kind: 'CaseClaimed';
  readonly held: HeldCase;
}

const CaseClaimed = builder.objectRef<CaseClaimedShape>('CaseClaimed').implement({
  fields: (t) => ({
    case: t.field({ type: CaseRef, resolve: (result) => result.held }),
    lease: t.field({ type: LeaseRef, resolve: (result) => result.held.lease! }),
  }),
});

type Shape =
  | CaseClaimedShape
  | NoCaseAvailableShape
  | ClaimLimitReachedShape
  | TopicPausedShape
  | CaseHeldShape
  | AlreadyDecidedShape;

const ClaimResult = builder.unionType('ClaimResult', {
  types: [CaseClaimed, NoCaseAvailable, ClaimLimitReached, TopicPaused, CaseHeld, AlreadyDecided],
  resolveType: (value) => (value as Shape).kind,
});

const ClaimNextCaseInput = builder.inputType('ClaimNextCaseInput', {
  fields: (t) => ({
    namespace: t.string({ required: true }),
    topics: t.stringList({
      defaultValue: ['cases'],
      required: true,
      description: 'Looked through in this order; at most 10.',
    }),
    waitMs: t.int({ defaultValue: 0, required: true, description: 'How long to wait for a case; at most 30,000.' }),
    leaseSeconds: t.int({ description: '1 to 43,200; the topic’s own length without it.' }),
  }),
});

builder.mutationField('claimNextCase', (t) =>
  t.field({
    type: ClaimResult,
    description: 'Hands the best case to the asker, who holds it under a lease.',
    authScopes: { roles: ['auditor', 'supervisor'] },
    args: { input: t.arg({ type: ClaimNextCaseInput, required: true }) },
    resolve: async (_root, { input }, { actor, services, signal }): Promise<Shape> => {
      const result = await services.claimNextCase(actor, input, signal);
      switch (result.kind) {
        case 'claimed':
          return { kind: 'CaseClaimed', held: result.held };
        case 'none':
          return noCaseAvailable(result.emptiness);
        case 'limit':
          return claimLimitReached(result.held);
        case 'paused':
          return topicPaused(result.topic);
      }
    },
  }),
);

const ClaimCaseInput = builder.inputType('ClaimCaseInput', {
  fields: (t) => ({
    caseId: t.id({ required: true }),
    leaseSeconds: t.int({ description: '1 to 43,200; the topic’s own length without it.' }),
  }),
});

builder.mutationField('claimCase', (t) =>
  t.field({
    type: ClaimResult,
    description: 'Claims one given case, also one that the asker held before.',
    authScopes: { roles: ['auditor', 'supervisor'] },
    args: { input: t.arg({ type: ClaimCaseInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }): Promise<Shape> => {
      const result = await services.claimCase(actor, input);
      switch (result.kind) {
        case 'claimed':
          return { kind: 'CaseClaimed', held: result.held };
        case 'held':
          return caseHeld(result.holder, result.expiresAt);
        case 'limit':
          return claimLimitReached(result.held);
        case 'paused':
          return topicPaused(result.topic);
        case 'decided':
          return alreadyDecided(result.decision);
      }
    },
  }),
);
