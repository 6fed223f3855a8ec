import type { Lease } from '../../domain/lease.ts';
import type { QueueBackoff, QueueItem, QueueTopic } from '../../domain/queue-item.ts';
import { queueItemBlocks, queueItemStates } from '../../domain/queue-item.ts';
import { builder } from '../builder.ts';
import type { LeaseLostShape } from './problems.ts';

const ItemStateEnum = builder.enumType('ItemState', {
  values: queueItemStates,
  description:
    'DELAYED waits for its time, READY for a consumer. DEAD: its attempts are used up; it lies ready in the dead-letter topic. ACKED, EXPIRED and PURGED items have left the queue.',
});
const ItemBlockEnum = builder.enumType('ItemBlock', {
  values: queueItemBlocks,
  description: 'IN_FLIGHT_LIMIT: as many items of the topic are out as may be.',
});

export const ItemRef = builder.objectRef<QueueItem>('Item').implement({
  description: 'An item of the priority queue. What its row told is null once it has left the queue.',
  fields: (t) => ({
    id: t.exposeID('id'),
    namespace: t.exposeString('namespace'),
    topic: t.exposeString('topic'),
    state: t.expose('state', { type: ItemStateEnum }),
    priority: t.exposeInt('priority', { nullable: true, description: 'Lower is sooner.' }),
    effectivePriority: t.exposeInt('effectivePriority', {
      nullable: true,
      description: 'With the topic’s ageing in it: what the order goes by.',
    }),
    payload: t.expose('payload', { type: 'Base64', nullable: true }),
    metadata: t.expose('metadata', { type: 'JSON', nullable: true }),
    deliverAfter: t.expose('deliverAfter', { type: 'DateTime', nullable: true }),
    attempt: t.exposeInt('attempt', {
      nullable: true,
      description: 'Which delivery this is, from 1; 0 before the first.',
    }),
    maxAttempts: t.exposeInt('maxAttempts', { nullable: true, description: '0: any number.' }),
    uniqueKey: t.exposeString('uniqueKey', { nullable: true }),
    enqueuedAt: t.expose('enqueuedAt', { type: 'DateTime', nullable: true }),
    enqueuedBy: t.exposeString('enqueuedBy', { nullable: true }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'From then on it is not delivered any more; a lease that is alive may still be acknowledged.',
    }),
    leasedBy: t.exposeString('leasedBy', { nullable: true }),
    leaseExpiresAt: t.expose('leaseExpiresAt', { type: 'DateTime', nullable: true }),
    blockedBy: t.expose('blockedBy', {
      type: ItemBlockEnum,
      nullable: true,
      description: 'Why it is not delivered now. Null: nothing holds it back but its place in the order.',
    }),
    lastReason: t.exposeString('lastReason', { nullable: true, description: 'Of the last nack.' }),
    originTopic: t.exposeString('originTopic', { nullable: true, description: 'Where a dead letter comes from.' }),
    diedAt: t.expose('diedAt', { type: 'DateTime', nullable: true }),
  }),
});

/** A lease's token goes to its holder alone; whoever is handed a delivery is that. */
export const ItemLeaseRef = builder.objectRef<Lease>('ItemLease').implement({
  description: 'The right of one consumer to work on one item. All times are the server’s; count from `serverTime`.',
  fields: (t) => ({
    token: t.exposeString('token', { description: 'Shown with ack, nack and extension. New with each delivery.' }),
    holder: t.exposeString('holder'),
    acquiredAt: t.expose('acquiredAt', { type: 'DateTime' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime' }),
    serverTime: t.expose('serverTime', { type: 'DateTime', description: 'The server’s clock when it answered.' }),
  }),
});

const BackoffRef = builder.objectRef<QueueBackoff>('Backoff').implement({
  description: 'How long a nack without a delay of its own delays.',
  fields: (t) => ({
    firstSeconds: t.exposeInt('firstSeconds'),
    factor: t.exposeFloat('factor'),
    capSeconds: t.exposeInt('capSeconds'),
  }),
});

const TopicPauseRef = builder.objectRef<NonNullable<QueueTopic['pause']>>('TopicPause').implement({
  fields: (t) => ({
    since: t.expose('since', { type: 'DateTime' }),
    until: t.expose('until', { type: 'DateTime', nullable: true, description: 'Null: until it is resumed.' }),
    reason: t.exposeString('reason', { nullable: true }),
  }),
});

export const TopicRef = builder.objectRef<QueueTopic>('Topic').implement({
  description: 'A line of items of the priority queue.',
  fields: (t) => ({
    namespace: t.exposeString('namespace'),
    name: t.exposeString('name'),
    leaseSeconds: t.exposeInt('leaseSeconds'),
    maxAttempts: t.exposeInt('maxAttempts', { description: '0: any number.' }),
    ttlSeconds: t.exposeInt('ttlSeconds', { nullable: true }),
    payloadBytesMax: t.exposeInt('payloadBytesMax'),
    maxDepth: t.exposeInt('maxDepth', { nullable: true }),
    maxInFlight: t.exposeInt('maxInFlight', { nullable: true }),
    enqueuesPerSecond: t.exposeInt('enqueuesPerSecond', { nullable: true }),
    ageingSeconds: t.exposeInt('ageingSeconds', { nullable: true }),
    backoff: t.expose('backoff', { type: BackoffRef, nullable: true }),
    deadLetterTopic: t.exposeString('deadLetterTopic', {
      nullable: true,
      description: 'Null until the first item dies: then `<name>-dead`.',
    }),
    shards: t.exposeInt('shards'),
    history: t.exposeBoolean('history', { description: 'Whether each enqueue, delivery and ack is kept as an event.' }),
    pause: t.expose('pause', { type: TopicPauseRef, nullable: true }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
  }),
});

/** The refusal of an act under a dead token. The token alone tells nothing of others, so neither does this. */
export const itemLeaseLost: LeaseLostShape = {
  kind: 'LeaseLost',
  code: 'LEASE_LOST',
  message: 'This lease has ended',
  retryable: false,
  holder: null,
  since: null,
  reclaimable: false,
};
