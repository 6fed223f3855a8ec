import type { QueueTopic } from '../../domain/queue-item.ts';
import { queueOperators } from '../../priority-queue/roles.ts';
import { builder } from '../builder.ts';
import { Refused } from '../types/problems.ts';
import { TopicRef } from '../types/queue.ts';

interface TopicSavedShape {
  readonly kind: 'TopicSaved';
  readonly topic: QueueTopic;
}

const TopicSaved = builder.objectRef<TopicSavedShape>('TopicSaved').implement({
  fields: (t) => ({ topic: t.field({ type: TopicRef, resolve: (result) => result.topic }) }),
});

export const UpsertTopicResult = builder.unionType('UpsertTopicResult', {
  types: [TopicSaved, Refused],
  resolveType: (value) => (value as TopicSavedShape).kind,
});

export function topicSaved(topic: QueueTopic): TopicSavedShape {
  return { kind: 'TopicSaved', topic };
}

const BackoffInput = builder.inputType('BackoffInput', {
  fields: (t) => ({
    firstSeconds: t.int({ required: true, description: 'After the first attempt.' }),
    factor: t.float({ description: 'Each wait is so many times the one before; from 1 to 10, 2 without it.' }),
    capSeconds: t.int({ description: 'The longest wait; 3,600 without it.' }),
  }),
});

const UpsertTopicInput = builder.inputType('UpsertTopicInput', {
  description: 'What is left out stays as it is, or has its default in a new topic; null takes a limit away.',
  fields: (t) => ({
    namespace: t.string({ required: true }),
    name: t.string({ required: true }),
    leaseSeconds: t.int({ description: '1 to 43,200; 60 by default. A dequeue or an item may ask for another.' }),
    maxAttempts: t.int({
      description: 'Deliveries before an item becomes a dead letter; 20 by default, 0 for any number.',
    }),
    ttlSeconds: t.int({ description: 'How long an item without a time to live of its own can be delivered.' }),
    payloadBytesMax: t.int({ description: '65,536 by default, at most 524,288.' }),
    maxDepth: t.int({ description: 'Open items.' }),
    maxInFlight: t.int({ description: 'Items under leases at once.' }),
    enqueuesPerSecond: t.int({ description: 'Over all gateways and shards.' }),
    ageingSeconds: t.int({
      description:
        'How long an item waits to get ahead of a younger one whose priority is better by one. For items that come after.',
    }),
    backoff: t.field({ type: BackoffInput, description: 'For nacks without a delay of their own; none by default.' }),
    deadLetterTopic: t.string({ description: 'Where items go whose attempts are used up; `<name>-dead` by default.' }),
    shards: t.int({ description: 'Over how many shards it spreads; 1 by default.' }),
    history: t.boolean({
      description:
        'Whether each enqueue, delivery and ack is kept as an event; true by default. Without, it is faster.',
    }),
    reason: t.string({ description: 'For the audit trail; at most 2,000 characters.' }),
  }),
});

builder.mutationField('upsertTopic', (t) =>
  t.field({
    type: UpsertTopicResult,
    description: 'Makes a topic of the priority queue, or changes its settings.',
    authScopes: { roles: queueOperators },
    args: { input: t.arg({ type: UpsertTopicInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }) => topicSaved(await services.upsertTopic(actor, input)),
  }),
);
