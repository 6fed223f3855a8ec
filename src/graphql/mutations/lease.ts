import type { HeldCase } from '../../cases/case-rows.ts';
import type { Lease } from '../../domain/lease.ts';
import { builder } from '../builder.ts';
import { CaseRef, LeaseRef } from '../types/case.ts';
import type { LeaseLimitReachedShape, LeaseLostShape } from '../types/problems.ts';
import { LeaseLimitReached, LeaseLost, leaseLost } from '../types/problems.ts';

interface LeaseExtendedShape {
  readonly kind: 'LeaseExtended';
  readonly lease: Lease;
}

const LeaseExtended = builder.objectRef<LeaseExtendedShape>('LeaseExtended').implement({
  fields: (t) => ({ lease: t.field({ type: LeaseRef, resolve: (result) => result.lease }) }),
});

export type LeaseExtendShape = LeaseExtendedShape | LeaseLostShape | LeaseLimitReachedShape;

export const LeaseResult = builder.unionType('LeaseResult', {
  types: [LeaseExtended, LeaseLost, LeaseLimitReached],
  resolveType: (value) => (value as LeaseExtendShape).kind,
});

const ExtendLeaseInput = builder.inputType('ExtendLeaseInput', {
  fields: (t) => ({
    caseId: t.id({ required: true }),
    leaseToken: t.string({ required: true }),
    seconds: t.int({ required: true, description: 'Counted from now; 1 to 43,200.' }),
  }),
});

builder.mutationField('extendLease', (t) =>
  t.field({
    type: LeaseResult,
    description: 'Moves the end of a living lease.',
    authScopes: { roles: ['auditor', 'supervisor'] },
    args: { input: t.arg({ type: ExtendLeaseInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }): Promise<LeaseExtendShape> => {
      const result = await services.extendLease(actor, input);
      switch (result.kind) {
        case 'extended':
          return { kind: 'LeaseExtended', lease: result.lease };
        case 'limit':
          return {
            kind: 'LeaseLimitReached',
            code: 'LEASE_LIMIT_REACHED',
            message: 'A lease may not last that long in all',
            retryable: false,
            latestEnd: result.latestEnd,
          };
        case 'lost':
          return leaseLost(result);
      }
    },
  }),
);

interface CaseReleasedShape {
  readonly kind: 'CaseReleased';
  readonly case: HeldCase;
}

const CaseReleased = builder.objectRef<CaseReleasedShape>('CaseReleased').implement({
  fields: (t) => ({ case: t.field({ type: CaseRef, resolve: (result) => result.case }) }),
});

type ReleaseShape = CaseReleasedShape | LeaseLostShape;

const ReleaseResult = builder.unionType('ReleaseResult', {
  types: [CaseReleased, LeaseLost],
  resolveType: (value) => (value as ReleaseShape).kind,
});

const ReleaseCaseInput = builder.inputType('ReleaseCaseInput', {
  fields: (t) => ({
    caseId: t.id({ required: true }),
    leaseToken: t.string({ required: true }),
    reason: t.string({ description: 'For the audit trail; at most 2,000 characters.' }),
  }),
});

builder.mutationField('releaseCase', (t) =>
  t.field({
    type: ReleaseResult,
    description: 'Gives a case back; it is offered to others at once, and not to the asker again.',
    authScopes: { roles: ['auditor', 'supervisor'] },
    args: { input: t.arg({ type: ReleaseCaseInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }): Promise<ReleaseShape> => {
      const result = await services.releaseCase(actor, input);
      return result.kind === 'released' ? { kind: 'CaseReleased', case: result.held } : leaseLost(result);
    },
  }),
);
