import type { QueueItem } from '../../domain/queue-item.ts';
import type { EnqueuedItem } from '../../priority-queue/enqueue.ts';
import { queueProducers } from '../../priority-queue/roles.ts';
import type { ProblemShape } from '../builder.ts';
import { builder, Problem } from '../builder.ts';
import type { ItemRefusedShape } from '../types/item-refused.ts';
import { ItemRefused } from '../types/item-refused.ts';
import type { IdempotencyConflictShape } from '../types/problems.ts';
import { IdempotencyConflict, idempotencyConflict } from '../types/problems.ts';
import { ItemRef } from '../types/queue.ts';

interface ItemEnqueuedShape {
  readonly kind: 'ItemEnqueued';
  readonly item: QueueItem;
  readonly askedRegion: string | null;
}

const ItemEnqueued = builder.objectRef<ItemEnqueuedShape>('ItemEnqueued').implement({
  description: 'The item is in the record and will be delivered.',
  fields: (t) => ({
    item: t.field({ type: ItemRef, resolve: (result) => result.item }),
    region: t.string({
      nullable: true,
      description: 'Where it is kept; null without regions.',
      resolve: ({ item }, _args, { services }) => services.regionOf(item.id),
    }),
    takenOver: t.boolean({
      description: 'Another region took it than the one that was asked for, or the gateway’s own.',
      resolve: ({ item, askedRegion }, _args, { services }) => services.wasTakenOver(item.id, askedRegion),
    }),
  }),
});

interface DuplicateItemShape extends ProblemShape {
  readonly kind: 'DuplicateItem';
  readonly itemId: string | null;
}

const DuplicateItem = builder.objectRef<DuplicateItemShape>('DuplicateItem').implement({
  interfaces: [Problem],
  description: 'An open item of the topic has this unique key. Nothing was enqueued.',
  fields: (t) => ({
    itemId: t.exposeID('itemId', { nullable: true, description: 'That item; null when it has just left the queue.' }),
  }),
});

type ItemShape = ItemEnqueuedShape | DuplicateItemShape | ItemRefusedShape;

const EnqueueItemResult = builder.unionType('EnqueueItemResult', {
  types: [ItemEnqueued, DuplicateItem, ItemRefused],
  resolveType: (value) => (value as ItemShape).kind,
});

interface ItemsEnqueuedShape {
  readonly kind: 'ItemsEnqueued';
  readonly results: readonly ItemShape[];
}

const ItemsEnqueued = builder.objectRef<ItemsEnqueuedShape>('ItemsEnqueued').implement({
  fields: (t) => ({
    results: t.field({
      type: [EnqueueItemResult],
      description: 'In the order of the input.',
      complexity: { field: 1, multiplier: 5 },
      resolve: (result) => result.results as ItemShape[],
    }),
  }),
});

type Shape = ItemsEnqueuedShape | IdempotencyConflictShape;

const EnqueueResult = builder.unionType('EnqueueResult', {
  types: [ItemsEnqueued, IdempotencyConflict],
  resolveType: (value) => (value as Shape).kind,
});

const EnqueueItemInput = builder.inputType('EnqueueItemInput', {
  fields: (t) => ({
    topic: t.string({ required: true }),
    priority: t.int({ defaultValue: 0, description: 'Lower is sooner; any 32-bit integer.' }),
    payload: t.field({ type: 'Base64', required: true, description: 'At most 64 KB unless the topic says otherwise.' }),
    metadata: t.field({ type: 'JSON', description: 'At most 4 KB; a nack or an update may change it.' }),
    deliverAfter: t.field({ type: 'DateTime', description: 'Not before this time; at most 366 days from now.' }),
    leaseSeconds: t.int({ description: '1 to 43,200; the topic’s own length without it.' }),
    ttlSeconds: t.int({ description: 'How long it can be delivered, from its `deliverAfter` on.' }),
    uniqueKey: t.string({ description: 'At most one open item of the topic has it; at most 200 characters.' }),
  }),
});

const EnqueueInput = builder.inputType('EnqueueInput', {
  fields: (t) => ({
    namespace: t.string({ required: true }),
    items: t.field({ type: [EnqueueItemInput], required: true, description: '1 to 1,000.' }),
    region: t.string({ description: 'Where the items should be kept; the gateway’s own region without it.' }),
    idempotencyKey: t.string({ description: 'The same key and input give the first result again.' }),
  }),
});

builder.mutationField('enqueue', (t) =>
  t.field({
    type: EnqueueResult,
    description: 'Puts items into topics. Each is judged by itself.',
    authScopes: { roles: queueProducers },
    args: { input: t.arg({ type: EnqueueInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }): Promise<Shape> => {
      const result = await services.enqueue(actor, input);
      if (result.kind === 'idempotencyConflict') return idempotencyConflict();
      return { kind: 'ItemsEnqueued', results: result.results.map((one) => toShape(one, input.region ?? null)) };
    },
  }),
);

function toShape(result: EnqueuedItem, askedRegion: string | null): ItemShape {
  switch (result.kind) {
    case 'enqueued':
      return { kind: 'ItemEnqueued', item: result.item, askedRegion };
    case 'duplicate':
      return {
        kind: 'DuplicateItem',
        code: 'DUPLICATE_ITEM',
        message: 'An open item of the topic has this unique key',
        retryable: false,
        itemId: result.id,
      };
    case 'refused': {
      const { code, message, retryAfterMs } = result;
      return { kind: 'ItemRefused', code, message, retryable: retryAfterMs !== null, retryAfterMs };
    }
  }
}
