import { requestReaders } from '../../digests/access.ts';
import type { RequestUpdate } from '../../digests/watch-requests.ts';
import { requestEventTypes } from '../../domain/digest.ts';
import { builder } from '../builder.ts';
import { RequestRef } from '../types/digest-refs.ts';

const RequestUpdateType = builder.enumType('RequestUpdateType', {
  values: [...requestEventTypes, 'RESYNC'] as const,
  description: 'RESYNC ends the subscription of a client that is too slow: subscribe again after its cursor.',
});

const RequestUpdateRef = builder.objectRef<RequestUpdate>('RequestUpdate').implement({
  fields: (t) => ({
    cursor: t.exposeString('cursor', { description: 'For `after`: everything later is replayed from there.' }),
    at: t.field({ type: 'DateTime', resolve: (update) => update.at }),
    type: t.field({
      type: RequestUpdateType,
      resolve: (update) => update.type as (typeof requestEventTypes)[number] | 'RESYNC',
    }),
    request: t.field({
      type: RequestRef,
      nullable: true,
      description: 'The request as it is now. Null for RESYNC.',
      resolve: (update) => update.request,
    }),
    actor: t.exposeString('actor', { nullable: true }),
  }),
});

builder.subscriptionField('requestUpdated', (t) =>
  t.field({
    type: RequestUpdateRef,
    description: 'What happens to requests: first what was missed since `after`, then live.',
    authScopes: { roles: requestReaders },
    args: {
      namespace: t.arg.string({ required: true }),
      requestId: t.arg.id(),
      after: t.arg.string({ description: 'The cursor of the last update that arrived.' }),
    },
    subscribe: (_root, args, { actor, services }) => services.watchRequests(actor, args),
    resolve: (update) => update,
  }),
);
