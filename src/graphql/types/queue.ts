import type { Lease } from '../../domain/lease.ts';
import { limits } from '../../domain/limits.ts';
import type { QueueBackoff, QueueItem, QueueItemEventType, QueueTopic } from '../../domain/queue-item.ts';
import { queueItemBlocks, queueItemEventTypes, queueItemStates } from '../../domain/queue-item.ts';
import type { ItemEvent } from '../../events/item-history.ts';
import type { TopicCounts } from '../../priority-queue/list-topics.ts';
import { queueReaders } from '../../priority-queue/roles.ts';
import { builder } from '../builder.ts';
import { pageArguments, readPage } from '../pages.ts';
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

const ItemEventTypeEnum = builder.enumType('ItemEventType', { values: queueItemEventTypes });

const ItemEventRef = builder.objectRef<ItemEvent>('ItemEvent').implement({
  description: 'An entry of an item’s history.',
  fields: (t) => ({
    type: t.field({ type: ItemEventTypeEnum, resolve: (event) => event.type as QueueItemEventType }),
    at: t.expose('at', { type: 'DateTime' }),
    actor: t.exposeString('actor', { description: 'A program, or the engine.' }),
    attempt: t.exposeInt('attempt', { nullable: true, description: 'Counted over all its life.' }),
    reason: t.string({
      nullable: true,
      // An ack keeps its token there, to know it again.
      resolve: (event) => (event.type === 'ACKED' ? null : event.reason),
    }),
  }),
});

const ItemEventConnection = builder.connectionObject(
  { type: ItemEventRef, name: 'ItemEventConnection' },
  { name: 'ItemEventEdge' },
);

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
    events: t.field({
      type: ItemEventConnection,
      args: pageArguments,
      description: 'What happened to it, oldest first; of topics without history, what went wrong.',
      resolve: async (item, args, { services }) => {
        const { first, after } = readPage(args);
        const page = await services.queueItemHistory(item.id, first, after ?? null);
        const edges = page.events.map((event) => ({ cursor: event.cursor, node: event }));
        return {
          edges,
          pageInfo: {
            hasNextPage: page.hasNextPage,
            hasPreviousPage: after !== undefined,
            startCursor: edges[0]?.cursor ?? null,
            endCursor: edges.at(-1)?.cursor ?? null,
          },
        };
      },
    }),
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
    by: t.exposeString('by', { nullable: true, description: 'Null for a pause of before this was kept.' }),
    reason: t.exposeString('reason', { nullable: true }),
  }),
});

const TopicCountsRef = builder.objectRef<TopicCounts>('TopicCounts').implement({
  description: 'How the items of a topic stand.',
  fields: (t) => ({
    depth: t.exposeInt('depth', { description: 'Open items in the topic: ready, delayed and leased.' }),
    ready: t.exposeInt('ready'),
    delayed: t.exposeInt('delayed'),
    leased: t.exposeInt('leased'),
    dead: t.exposeInt('dead', { description: 'Dead letters that come from it.' }),
    oldestReadySeconds: t.exposeFloat('oldestReadySeconds', {
      nullable: true,
      description: 'How long the oldest ready item has been due.',
    }),
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
    counts: t.field({
      type: TopicCountsRef,
      description: 'Counted when it is asked for.',
      complexity: 5,
      resolve: (topic, _args, { services }) => services.countTopic(topic),
    }),
  }),
});

const authScopes = { roles: queueReaders };

builder.queryFields((t) => ({
  topic: t.field({
    type: TopicRef,
    nullable: true,
    authScopes,
    args: { namespace: t.arg.string({ required: true }), name: t.arg.string({ required: true }) },
    resolve: (_root, { namespace, name }, { actor, services }) => services.findTopic(actor, namespace, name),
  }),
  topics: t.field({
    type: [TopicRef],
    description: 'The topics of the priority queue by name, at most 1,000.',
    authScopes,
    complexity: { field: 1, multiplier: 10 },
    args: { namespace: t.arg.string({ required: true }) },
    resolve: async (_root, { namespace }, { actor, services }) => [...(await services.listTopics(actor, namespace))],
  }),
  item: t.field({
    type: ItemRef,
    nullable: true,
    authScopes,
    args: { id: t.arg.id({ required: true }) },
    resolve: (_root, { id }, { actor, services }) => services.findItem(actor, id),
  }),
  peek: t.field({
    type: [ItemRef],
    description:
      'The items of a topic in the order of their delivery: what is ready, then what waits for its time, then what is held.',
    authScopes,
    complexity: ({ first }) => ({ field: 1, multiplier: Math.max(1, Math.min(limits.pageItems, first ?? 0)) }),
    args: {
      namespace: t.arg.string({ required: true }),
      topic: t.arg.string({ required: true }),
      first: t.arg.int({ defaultValue: limits.pageItemsDefault, description: 'From 0 to 100.' }),
    },
    resolve: async (_root, { namespace, topic, first }, { actor, services }) => [
      ...(await services.peek(actor, namespace, topic, first ?? limits.pageItemsDefault)),
    ],
  }),
}));

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
