import type { QueueLimits } from '../../domain/queue-item.ts';
import { queueReaders } from '../../priority-queue/roles.ts';
import { builder } from '../builder.ts';
import { Refused } from '../types/problems.ts';

const NamespaceLimitsSaved = builder.objectRef<QueueLimits>('NamespaceLimitsSaved').implement({
  fields: (t) => ({
    maxDepth: t.exposeInt('maxDepth', { nullable: true }),
    maxInFlight: t.exposeInt('maxInFlight', { nullable: true }),
    enqueuesPerSecond: t.exposeInt('enqueuesPerSecond', { nullable: true }),
  }),
});

builder.queryField('namespaceLimits', (t) =>
  t.field({
    type: NamespaceLimitsSaved,
    description: 'What the tenant may do in the priority queue, all its topics together; null: any number.',
    authScopes: { roles: queueReaders },
    args: { namespace: t.arg.string({ required: true }) },
    resolve: (_root, { namespace }, { actor, services }) => services.findNamespaceLimits(actor, namespace),
  }),
);

const SetNamespaceLimitsResult = builder.unionType('SetNamespaceLimitsResult', {
  types: [NamespaceLimitsSaved, Refused],
  resolveType: () => 'NamespaceLimitsSaved',
});

const SetNamespaceLimitsInput = builder.inputType('SetNamespaceLimitsInput', {
  description: 'What is left out is not limited.',
  fields: (t) => ({
    namespace: t.string({ required: true }),
    maxDepth: t.int({ description: 'Open items.' }),
    maxInFlight: t.int({ description: 'Items under leases at once.' }),
    enqueuesPerSecond: t.int({ description: 'Over all gateways and shards.' }),
    reason: t.string({ description: 'For the audit trail; at most 2,000 characters.' }),
  }),
});

builder.mutationField('setNamespaceLimits', (t) =>
  t.field({
    type: SetNamespaceLimitsResult,
    description:
      'What a tenant may do in the priority queue, all its topics together. For operators of all namespaces.',
    authScopes: { roles: ['operator'] },
    args: { input: t.arg({ type: SetNamespaceLimitsInput, required: true }) },
    resolve: (_root, { input }, { actor, services }) => services.setNamespaceLimits(actor, input),
  }),
);
