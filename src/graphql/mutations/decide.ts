import type { HeldCase } from '../../cases/case-rows.ts';
import { builder } from '../builder.ts';
import { CaseRef, VerdictEnum } from '../types/case.ts';
import type { AlreadyDecidedShape, IdempotencyConflictShape, LeaseLostShape } from '../types/problems.ts';
import {
  AlreadyDecided,
  alreadyDecided,
  IdempotencyConflict,
  idempotencyConflict,
  LeaseLost,
  leaseLost,
} from '../types/problems.ts';

interface CaseDecidedShape {
  readonly kind: 'CaseDecided';
  readonly case: HeldCase;
}

const CaseDecided = builder.objectRef<CaseDecidedShape>('CaseDecided').implement({
  fields: (t) => ({ case: t.field({ type: CaseRef, resolve: (result) => result.case }) }),
});

type Shape = CaseDecidedShape | LeaseLostShape | AlreadyDecidedShape | IdempotencyConflictShape;

const DecideResult = builder.unionType('DecideResult', {
  types: [CaseDecided, LeaseLost, AlreadyDecided, IdempotencyConflict],
  resolveType: (value) => (value as Shape).kind,
});

const DecideInput = builder.inputType('DecideInput', {
  fields: (t) => ({
    caseId: t.id({ required: true }),
    leaseToken: t.string({ required: true }),
    verdict: t.field({ type: VerdictEnum, required: true }),
    reason: t.string({ description: 'Needed for a rejection; at most 2,000 characters. Applicants do not see it.' }),
    idempotencyKey: t.string({ description: 'The same key and input give the first result again.' }),
  }),
});

builder.mutationField('decide', (t) =>
  t.field({
    type: DecideResult,
    description: 'Decides a case under a living lease.',
    authScopes: { roles: ['auditor', 'supervisor'] },
    args: { input: t.arg({ type: DecideInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }): Promise<Shape> => {
      const result = await services.decide(actor, input);
      switch (result.kind) {
        case 'decided':
          return { kind: 'CaseDecided', case: result.held };
        case 'lost':
          return leaseLost(result);
        case 'alreadyDecided':
          return alreadyDecided(result.decision);
        case 'idempotencyConflict':
          return idempotencyConflict();
      }
    },
  }),
);
