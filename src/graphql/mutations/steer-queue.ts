import type { QueueItem } from '../../domain/queue-item.ts';
import type { PurgeResult } from '../../priority-queue/purge-topic.ts';
import type { RedriveResult } from '../../priority-queue/redrive.ts';
import { queueConsumers, queueOperators } from '../../priority-queue/roles.ts';
import { itemChangers } from '../../priority-queue/update-item.ts';
import type { ProblemShape } from '../builder.ts';
import { builder, Problem } from '../builder.ts';
import type { LeaseExtendShape } from '../mutations/lease.ts';
import { LeaseResult } from '../mutations/lease.ts';
import { Refused } from '../types/problems.ts';
import { ItemRef, itemLeaseLost } from '../types/queue.ts';
import { topicSaved, UpsertTopicResult } from './upsert-topic.ts';

const ExtendItemLeaseInput = builder.inputType('ExtendItemLeaseInput', {
  fields: (t) => ({
    namespace: t.string({ description: 'The token’s own without it.' }),
    itemId: t.id({ required: true }),
    leaseToken: t.string({ required: true }),
    seconds: t.int({ required: true, description: 'Counted from now; 1 to 43,200.' }),
  }),
});

builder.mutationField('extendItemLease', (t) =>
  t.field({
    type: LeaseResult,
    description: 'Moves the end of a living lease on an item. In all it lasts 12 hours at most.',
    authScopes: { roles: queueConsumers },
    args: { input: t.arg({ type: ExtendItemLeaseInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }): Promise<LeaseExtendShape> => {
      const result = await services.extendItemLease(actor, input);
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
          return itemLeaseLost;
      }
    },
  }),
);

interface ItemUpdatedShape {
  readonly kind: 'ItemUpdated';
  readonly item: QueueItem;
}

const ItemUpdated = builder.objectRef<ItemUpdatedShape>('ItemUpdated').implement({
  fields: (t) => ({ item: t.field({ type: ItemRef, resolve: (result) => result.item }) }),
});

interface ItemLeasedShape extends ProblemShape {
  readonly kind: 'ItemLeased';
  readonly item: QueueItem;
}

const ItemLeased = builder.objectRef<ItemLeasedShape>('ItemLeased').implement({
  interfaces: [Problem],
  description: 'Somebody holds the item. Nothing was changed.',
  fields: (t) => ({ item: t.field({ type: ItemRef, resolve: (result) => result.item }) }),
});

type UpdateShape = ItemUpdatedShape | ItemLeasedShape;

const UpdateItemResult = builder.unionType('UpdateItemResult', {
  types: [ItemUpdated, ItemLeased],
  resolveType: (value) => (value as UpdateShape).kind,
});

const UpdateItemInput = builder.inputType('UpdateItemInput', {
  description: 'What is left out stays as it is.',
  fields: (t) => ({
    itemId: t.id({ required: true }),
    priority: t.int(),
    deliverAfter: t.field({ type: 'DateTime' }),
    metadata: t.field({ type: 'JSON', description: 'Replaces the item’s.' }),
  }),
});

builder.mutationField('updateItem', (t) =>
  t.field({
    type: UpdateItemResult,
    description: 'Changes the place or the metadata of an item that waits; the next pick goes by it.',
    authScopes: { roles: itemChangers },
    args: { input: t.arg({ type: UpdateItemInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }): Promise<UpdateShape> => {
      const { kind, item } = await services.updateItem(actor, input);
      if (kind === 'updated') return { kind: 'ItemUpdated', item };
      return { kind: 'ItemLeased', code: 'ITEM_LEASED', message: 'Somebody holds this item', retryable: true, item };
    },
  }),
);

const PauseTopicInput = builder.inputType('PauseTopicInput', {
  fields: (t) => ({
    namespace: t.string({ required: true }),
    topic: t.string({ required: true }),
    until: t.field({ type: 'DateTime', description: 'It goes on by itself then; without it, when it is resumed.' }),
    reason: t.string({ description: 'At most 2,000 characters.' }),
  }),
});

builder.mutationField('pauseTopic', (t) =>
  t.field({
    type: UpsertTopicResult,
    description: 'Stops the deliveries of a topic. Items can still be enqueued, and held ones be acknowledged.',
    authScopes: { roles: queueOperators },
    args: { input: t.arg({ type: PauseTopicInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }) => topicSaved(await services.pauseTopic(actor, input)),
  }),
);

const ResumeTopicInput = builder.inputType('ResumeTopicInput', {
  fields: (t) => ({
    namespace: t.string({ required: true }),
    topic: t.string({ required: true }),
    reason: t.string({ description: 'For the audit trail; at most 2,000 characters.' }),
  }),
});

builder.mutationField('resumeTopic', (t) =>
  t.field({
    type: UpsertTopicResult,
    description: 'Lets the deliveries of a topic go on.',
    authScopes: { roles: queueOperators },
    args: { input: t.arg({ type: ResumeTopicInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }) => topicSaved(await services.resumeTopic(actor, input)),
  }),
);

const TopicPurged = builder.objectRef<PurgeResult>('TopicPurged').implement({
  fields: (t) => ({
    dryRun: t.exposeBoolean('dryRun'),
    items: t.exposeInt('items', { description: 'How many went, or would go.' }),
    left: t.exposeInt('left', { description: 'How many are left to purge; one call takes 100,000 at most.' }),
  }),
});

const PurgeTopicResult = builder.unionType('PurgeTopicResult', {
  types: [TopicPurged, Refused],
  resolveType: () => 'TopicPurged',
});

const PurgeTopicInput = builder.inputType('PurgeTopicInput', {
  fields: (t) => ({
    namespace: t.string({ required: true }),
    topic: t.string({ required: true }),
    dryRun: t.boolean({ defaultValue: false, description: 'Only says what would go.' }),
    enqueuedBefore: t.field({ type: 'DateTime' }),
    priorityAtLeast: t.int({ description: 'Only items with this priority or a worse one.' }),
    reason: t.string({ description: 'For the audit trail; at most 2,000 characters.' }),
  }),
});

builder.mutationField('purgeTopic', (t) =>
  t.field({
    type: PurgeTopicResult,
    description: 'Removes items that wait; held ones stay, and so does what is enqueued meanwhile.',
    authScopes: { roles: queueOperators },
    args: { input: t.arg({ type: PurgeTopicInput, required: true }) },
    resolve: (_root, { input }, { actor, services }) => services.purgeTopic(actor, input),
  }),
);

const DeadLettersRedriven = builder.objectRef<RedriveResult>('DeadLettersRedriven').implement({
  fields: (t) => ({
    dryRun: t.exposeBoolean('dryRun'),
    items: t.int({ description: 'How many went back, or would.', resolve: (result) => result.itemIds.length }),
    itemIds: t.idList({ resolve: (result) => [...result.itemIds] }),
  }),
});

const RedriveResultUnion = builder.unionType('RedriveDeadLettersResult', {
  types: [DeadLettersRedriven, Refused],
  resolveType: () => 'DeadLettersRedriven',
});

const RedriveDeadLettersInput = builder.inputType('RedriveDeadLettersInput', {
  fields: (t) => ({
    namespace: t.string({ required: true }),
    topic: t.string({ required: true, description: 'The topic from which the dead letters come.' }),
    itemIds: t.idList({ description: 'Only these; at most 1,000.' }),
    reasonContains: t.string({
      description: 'Only those whose last reason has this in it; upper and lower case alike.',
    }),
    metadata: t.field({ type: 'JSON', description: 'Only those whose metadata contain this.' }),
    diedBefore: t.field({ type: 'DateTime' }),
    itemsPerSecond: t.int({
      description: 'They become due one after the other, so many a second; all at once without it.',
    }),
    limit: t.int({ defaultValue: 1_000, description: 'At most so many; 10,000 at most.' }),
    dryRun: t.boolean({ defaultValue: false }),
    reason: t.string({ description: 'For the history of each; at most 2,000 characters.' }),
  }),
});

builder.mutationField('redriveDeadLetters', (t) =>
  t.field({
    type: RedriveResultUnion,
    description: 'Puts dead letters back with their settings intact and all attempts before them.',
    authScopes: { roles: queueOperators },
    args: { input: t.arg({ type: RedriveDeadLettersInput, required: true }) },
    resolve: (_root, { input }, { actor, services }) => services.redriveDeadLetters(actor, input),
  }),
);
