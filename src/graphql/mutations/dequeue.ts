import type { Delivery, DequeuedTopic, DequeueResult } from '../../priority-queue/dequeue.ts';
import { queueConsumers } from '../../priority-queue/roles.ts';
import { builder } from '../builder.ts';
import { Refused } from '../types/problems.ts';
import { ItemLeaseRef, ItemRef } from '../types/queue.ts';

const DeliveryRef = builder.objectRef<Delivery>('Delivery').implement({
  fields: (t) => ({
    item: t.field({ type: ItemRef, resolve: (delivery) => delivery.item }),
    lease: t.field({ type: ItemLeaseRef, resolve: (delivery) => delivery.lease }),
  }),
});

const DequeuedTopicRef = builder.objectRef<DequeuedTopic>('DequeuedTopic').implement({
  fields: (t) => ({
    topic: t.exposeString('topic'),
    returned: t.exposeInt('returned'),
    ready: t.int({
      description: 'Items that still lie ready, counted up to 10,000. Counted only when it is asked for.',
      resolve: (topic) => topic.countReady(),
    }),
    paused: t.exposeBoolean('paused'),
  }),
});

interface Shape {
  readonly kind: 'ItemsDequeued';
  readonly result: DequeueResult;
}

const ItemsDequeued = builder.objectRef<Shape>('ItemsDequeued').implement({
  fields: (t) => ({
    items: t.field({
      type: [DeliveryRef],
      description: 'Topic by topic; those of a topic in the order of delivery.',
      complexity: { field: 1, multiplier: 5 },
      resolve: ({ result }) => result.items as Delivery[],
    }),
    topics: t.field({
      type: [DequeuedTopicRef],
      complexity: { field: 1, multiplier: 2 },
      resolve: ({ result }) => result.topics as DequeuedTopic[],
    }),
    partialShards: t.intList({
      description: 'Shards that could not be asked.',
      resolve: ({ result }) => result.partialShards as number[],
    }),
  }),
});

const DequeueResultUnion = builder.unionType('DequeueResult', {
  types: [ItemsDequeued, Refused],
  resolveType: (value) => (value as Shape).kind,
});

const DequeueRequestInput = builder.inputType('DequeueRequestInput', {
  fields: (t) => ({
    topic: t.string({ required: true }),
    count: t.int({ defaultValue: 1, description: 'At most so many; 1,000 over all topics.' }),
  }),
});

const DequeueInput = builder.inputType('DequeueInput', {
  fields: (t) => ({
    namespace: t.string({ required: true }),
    requests: t.field({ type: [DequeueRequestInput], required: true, description: '1 to 100 topics.' }),
    waitMs: t.int({
      defaultValue: 0,
      description: 'How long to wait for the first item when none is ready; at most 30,000.',
    }),
    leaseSeconds: t.int({ description: '1 to 43,200; the item’s or topic’s own length without it.' }),
    region: t.string({ description: 'Whose shards are looked at first; the gateway’s own region without it.' }),
  }),
});

builder.mutationField('dequeue', (t) =>
  t.field({
    type: DequeueResultUnion,
    description: 'Hands out the best items of topics, each under a lease.',
    authScopes: { roles: queueConsumers },
    args: { input: t.arg({ type: DequeueInput, required: true }) },
    resolve: async (_root, { input }, { actor, services, signal }): Promise<Shape> => ({
      kind: 'ItemsDequeued',
      result: await services.dequeue(actor, input, signal),
    }),
  }),
);
