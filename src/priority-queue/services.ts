import type { Actor } from '../domain/actor.ts';
import type { Fault } from '../domain/errors.ts';
import type { QueueItem, QueueLimits, QueueTopic } from '../domain/queue-item.ts';
import type { ItemHistoryPage } from '../events/item-history.ts';
import { createItemHistory } from '../events/item-history.ts';
import type { AckInput } from './ack.ts';
import { createAck } from './ack.ts';
import type { DequeueInput, DequeueResult } from './dequeue.ts';
import type { QueueEngine } from './engine.ts';
import type { EnqueueInput, EnqueueResult } from './enqueue.ts';
import { createEnqueue } from './enqueue.ts';
import type { EnqueueGate } from './enqueue-gate.ts';
import type { ExtendItemLeaseInput, ExtendItemLeaseResult } from './extend-item-lease.ts';
import { createExtendItemLease } from './extend-item-lease.ts';
import { createFindItem, createPeek, createReadItem } from './find-item.ts';
import type { TopicCounts } from './list-topics.ts';
import { createCountTopic, createFindTopic, createListTopics } from './list-topics.ts';
import type { NackedItem, NackInput } from './nack.ts';
import { createNack } from './nack.ts';
import type { NamespaceLimitsInput } from './namespace-limits.ts';
import { createFindNamespaceLimits, createSetNamespaceLimits } from './namespace-limits.ts';
import type { PauseTopicInput, ResumeTopicInput } from './pause-topic.ts';
import { createPauseTopic, createResumeTopic } from './pause-topic.ts';
import type { PurgeResult, PurgeTopicInput } from './purge-topic.ts';
import { createPurgeTopic } from './purge-topic.ts';
import type { RedriveInput, RedriveResult } from './redrive.ts';
import { createRedrive } from './redrive.ts';
import type { QueueSettings } from './settings.ts';
import type { TopicStats } from './topic-stats.ts';
import type { UpdateItemInput, UpdateItemResult } from './update-item.ts';
import { createUpdateItem } from './update-item.ts';
import type { UpsertTopicInput } from './upsert-topic.ts';
import { createUpsertTopic } from './upsert-topic.ts';

type Asker = Actor | undefined;

/** What resolvers of the priority queue stand on: one function a verb. Each checks role and namespace itself. */
export interface QueueServices {
  readonly upsertTopic: (actor: Asker, input: UpsertTopicInput) => Promise<QueueTopic>;
  readonly setNamespaceLimits: (actor: Asker, input: NamespaceLimitsInput) => Promise<QueueLimits>;
  readonly findNamespaceLimits: (actor: Asker, namespace: string) => Promise<QueueLimits>;
  readonly enqueue: (actor: Asker, input: EnqueueInput) => Promise<EnqueueResult>;
  /** Whether each item ended; a fault for one whose shard could not be asked while others could. */
  readonly ack: (actor: Asker, input: AckInput) => Promise<readonly (boolean | Fault)[]>;
  readonly nack: (actor: Asker, input: NackInput) => Promise<readonly NackedItem[]>;
  readonly extendItemLease: (actor: Asker, input: ExtendItemLeaseInput) => Promise<ExtendItemLeaseResult>;
  readonly updateItem: (actor: Asker, input: UpdateItemInput) => Promise<UpdateItemResult>;
  readonly pauseTopic: (actor: Asker, input: PauseTopicInput) => Promise<QueueTopic>;
  readonly resumeTopic: (actor: Asker, input: ResumeTopicInput) => Promise<QueueTopic>;
  readonly purgeTopic: (actor: Asker, input: PurgeTopicInput) => Promise<PurgeResult>;
  readonly redriveDeadLetters: (actor: Asker, input: RedriveInput) => Promise<RedriveResult>;
  readonly findTopic: (actor: Asker, namespace: string, name: string) => Promise<QueueTopic | null>;
  readonly listTopics: (actor: Asker, namespace: string) => Promise<readonly QueueTopic[]>;
  /** How the items of a topic stand. Who may see it is the caller's business, here and below. */
  readonly countTopic: (topic: QueueTopic) => Promise<TopicCounts>;
  readonly findItem: (actor: Asker, id: string) => Promise<QueueItem>;
  readonly peek: (actor: Asker, namespace: string, topic: string, first: number) => Promise<readonly QueueItem[]>;
  readonly queueItemHistory: (itemId: string, first: number, after: string | null) => Promise<ItemHistoryPage>;
}

/** The verb that is over all shards from the start. */
export interface DequeueServices {
  readonly dequeue: (actor: Asker, input: DequeueInput, signal: AbortSignal) => Promise<DequeueResult>;
  readonly watchTopicStats: (
    actor: Asker,
    input: { readonly namespace: string; readonly topic: string },
  ) => Promise<AsyncIterableIterator<TopicStats>>;
}

export interface QueueServiceDependencies extends QueueEngine {
  readonly settings: QueueSettings;
  /** One for all shards of a process. */
  readonly gate: EnqueueGate;
  readonly newId: (shard: number) => string;
  readonly observeBatch: (statement: string, calls: number) => void;
}

/** The verbs of the priority queue over one shard's engine. */
export function createQueueServices(dependencies: QueueServiceDependencies): QueueServices {
  const { newId, observeBatch, settings, gate, ...engine } = dependencies;
  const countTopic = createCountTopic(engine.shard);
  const readItem = createReadItem(engine.shard);
  return {
    upsertTopic: createUpsertTopic(engine, settings),
    setNamespaceLimits: createSetNamespaceLimits(engine.shard),
    findNamespaceLimits: createFindNamespaceLimits(engine.shard),
    enqueue: createEnqueue({
      ...engine,
      settings,
      gate,
      newId,
      now: Date.now,
      observeBatch: (calls) => observeBatch('enqueue', calls),
    }),
    ack: createAck(engine, (calls) => observeBatch('ack', calls)),
    nack: createNack(engine),
    extendItemLease: createExtendItemLease(engine),
    updateItem: createUpdateItem(engine, readItem),
    pauseTopic: createPauseTopic(engine, settings),
    resumeTopic: createResumeTopic(engine, settings),
    purgeTopic: createPurgeTopic(engine),
    redriveDeadLetters: createRedrive(engine),
    findTopic: createFindTopic(settings),
    listTopics: createListTopics(settings),
    countTopic: ({ id }) => countTopic(id),
    findItem: createFindItem(readItem),
    peek: createPeek(engine),
    queueItemHistory: createItemHistory(engine.shard),
  };
}
