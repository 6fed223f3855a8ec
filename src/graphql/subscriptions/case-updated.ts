import type { CaseUpdate } from '../../cases/watch.ts';
import { caseEventTypes } from '../../domain/case.ts';
import { builder } from '../builder.ts';
import { CaseRef } from '../types/case.ts';

const CaseUpdateType = builder.enumType('CaseUpdateType', {
  values: [...caseEventTypes, 'RESYNC'] as const,
  description: 'RESYNC ends the subscription of a client that is too slow: subscribe again after its cursor.',
});

const CaseUpdateRef = builder.objectRef<CaseUpdate>('CaseUpdate').implement({
  fields: (t) => ({
    cursor: t.exposeString('cursor', { description: 'For `after`: everything later is replayed from there.' }),
    at: t.field({ type: 'DateTime', resolve: (update) => update.at }),
    type: t.field({
      type: CaseUpdateType,
      resolve: (update) => update.type as (typeof caseEventTypes)[number] | 'RESYNC',
    }),
    case: t.field({
      type: CaseRef,
      nullable: true,
      description: 'The case as it is now. Null for RESYNC.',
      resolve: (update) => update.held,
    }),
    actor: t.exposeString('actor', { nullable: true, description: 'Who did it. Not for applicants.' }),
  }),
});

builder.subscriptionField('caseUpdated', (t) =>
  t.field({
    type: CaseUpdateRef,
    description: 'What happens to cases that the asker may see: first what was missed since `after`, then live.',
    authScopes: { roles: ['applicant', 'auditor', 'supervisor', 'operator'] },
    args: {
      namespace: t.arg.string({ required: true }),
      topic: t.arg.string(),
      caseId: t.arg.id(),
      after: t.arg.string({ description: 'The cursor of the last update that arrived.' }),
    },
    subscribe: (_root, args, { actor, services }) => services.watchCases(actor, args),
    resolve: (update) => update,
  }),
);
