import { Fault } from '../../domain/errors.ts';
import type { NackedItem } from '../../priority-queue/nack.ts';
import { queueConsumers } from '../../priority-queue/roles.ts';
import { builder } from '../builder.ts';
import type { ItemRefusedShape } from '../types/item-refused.ts';
import { ItemRefused, itemRefused } from '../types/item-refused.ts';
import type { LeaseLostShape } from '../types/problems.ts';
import { LeaseLost, Refused } from '../types/problems.ts';
import { itemLeaseLost } from '../types/queue.ts';

interface ItemAckedShape {
  readonly kind: 'ItemAcked';
  readonly itemId: string;
}

const ItemAcked = builder.objectRef<ItemAckedShape>('ItemAcked').implement({
  description: 'The item has left the queue.',
  fields: (t) => ({ itemId: t.exposeID('itemId') }),
});

type AckedShape = ItemAckedShape | LeaseLostShape | ItemRefusedShape;

const AckItemResult = builder.unionType('AckItemResult', {
  types: [ItemAcked, LeaseLost, ItemRefused],
  resolveType: (value) => (value as AckedShape).kind,
});

interface ItemsAckedShape {
  readonly kind: 'ItemsAcked';
  readonly results: readonly AckedShape[];
}

const ItemsAcked = builder.objectRef<ItemsAckedShape>('ItemsAcked').implement({
  fields: (t) => ({
    results: t.field({
      type: [AckItemResult],
      description: 'In the order of the input.',
      complexity: { field: 1, multiplier: 5 },
      resolve: (result) => result.results as AckedShape[],
    }),
  }),
});

const AckResult = builder.unionType('AckResult', {
  types: [ItemsAcked, Refused],
  resolveType: (value) => (value as ItemsAckedShape).kind,
});

const ItemLeaseInput = builder.inputType('ItemLeaseInput', {
  fields: (t) => ({ itemId: t.id({ required: true }), leaseToken: t.string({ required: true }) }),
});

const AckInput = builder.inputType('AckInput', {
  fields: (t) => ({
    namespace: t.string({ required: true }),
    leases: t.field({ type: [ItemLeaseInput], required: true, description: '1 to 1,000.' }),
  }),
});

builder.mutationField('ack', (t) =>
  t.field({
    type: AckResult,
    description: 'Ends items. An ack that is sent again is answered as the first time.',
    authScopes: { roles: queueConsumers },
    args: { input: t.arg({ type: AckInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }): Promise<ItemsAckedShape> => {
      const acked = await services.ack(actor, input);
      return {
        kind: 'ItemsAcked',
        results: acked.map((done, index): AckedShape => {
          if (done instanceof Fault) return itemRefused(done);
          return done ? { kind: 'ItemAcked', itemId: input.leases[index]!.itemId } : itemLeaseLost;
        }),
      };
    },
  }),
);

interface ItemReturnedShape {
  readonly kind: 'ItemReturned';
  readonly itemId: string;
  readonly deliverAfter: Date;
}

const ItemReturned = builder.objectRef<ItemReturnedShape>('ItemReturned').implement({
  description: 'The item is back in its topic.',
  fields: (t) => ({
    itemId: t.exposeID('itemId'),
    deliverAfter: t.expose('deliverAfter', { type: 'DateTime' }),
  }),
});

interface ItemDeadLetteredShape {
  readonly kind: 'ItemDeadLettered';
  readonly itemId: string;
  readonly deadLetterTopic: string;
}

const ItemDeadLettered = builder.objectRef<ItemDeadLetteredShape>('ItemDeadLettered').implement({
  description: 'The item’s attempts are used up: it lies in the dead-letter topic.',
  fields: (t) => ({ itemId: t.exposeID('itemId'), deadLetterTopic: t.exposeString('deadLetterTopic') }),
});

type NackedShape = ItemReturnedShape | ItemDeadLetteredShape | LeaseLostShape | ItemRefusedShape;

const NackItemResult = builder.unionType('NackItemResult', {
  types: [ItemReturned, ItemDeadLettered, LeaseLost, ItemRefused],
  resolveType: (value) => (value as NackedShape).kind,
});

interface ItemsNackedShape {
  readonly kind: 'ItemsNacked';
  readonly results: readonly NackedShape[];
}

const ItemsNacked = builder.objectRef<ItemsNackedShape>('ItemsNacked').implement({
  fields: (t) => ({
    results: t.field({
      type: [NackItemResult],
      description: 'In the order of the input.',
      complexity: { field: 1, multiplier: 5 },
      resolve: (result) => result.results as NackedShape[],
    }),
  }),
});

const NackResult = builder.unionType('NackResult', {
  types: [ItemsNacked, Refused],
  resolveType: (value) => (value as ItemsNackedShape).kind,
});

const NackLeaseInput = builder.inputType('NackLeaseInput', {
  fields: (t) => ({
    itemId: t.id({ required: true }),
    leaseToken: t.string({ required: true }),
    delaySeconds: t.int({
      description: 'Not before so long from now; without it as the topic’s backoff says, at once without one.',
    }),
    metadata: t.field({ type: 'JSON', description: 'Replaces the item’s; the next delivery shows it.' }),
    reason: t.string({ description: 'At most 2,000 characters.' }),
  }),
});

const NackInput = builder.inputType('NackInput', {
  fields: (t) => ({
    namespace: t.string({ required: true }),
    leases: t.field({ type: [NackLeaseInput], required: true, description: '1 to 1,000.' }),
  }),
});

builder.mutationField('nack', (t) =>
  t.field({
    type: NackResult,
    description: 'Gives items back, or to the dead-letter topic when their attempts are used up.',
    authScopes: { roles: queueConsumers },
    args: { input: t.arg({ type: NackInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }): Promise<ItemsNackedShape> => {
      const nacked = await services.nack(actor, input);
      return {
        kind: 'ItemsNacked',
        results: nacked.map((result, index) => toNacked(result, input.leases[index]!.itemId)),
      };
    },
  }),
);

function toNacked(result: NackedItem, itemId: string): NackedShape {
  switch (result.kind) {
    case 'returned':
      return { kind: 'ItemReturned', itemId, deliverAfter: result.deliverAfter };
    case 'dead':
      return { kind: 'ItemDeadLettered', itemId, deadLetterTopic: result.deadLetterTopic };
    case 'lost':
      return itemLeaseLost;
    case 'refused':
      return itemRefused(result.fault);
  }
}
