import type { Actor } from '../domain/actor.ts';
import type { QueueTopic } from '../domain/queue-item.ts';
import type { AckInput } from './ack.ts';
import { createAck } from './ack.ts';
import type { DequeueInput, DequeueResult } from './dequeue.ts';
import { createDequeue } from './dequeue.ts';
import type { QueueEngine } from './engine.ts';
import type { EnqueueInput, EnqueueResult } from './enqueue.ts';
import { createEnqueue } from './enqueue.ts';
import type { NackedItem, NackInput } from './nack.ts';
import { createNack } from './nack.ts';
import { QueueSettings } from './settings.ts';
import type { UpsertTopicInput } from './upsert-topic.ts';
import { createUpsertTopic } from './upsert-topic.ts';

type Asker = Actor | undefined;

/** What resolvers of the priority queue stand on: one function a verb. Each checks role and namespace itself. */
export interface QueueServices {
  readonly upsertTopic: (actor: Asker, input: UpsertTopicInput) => Promise<QueueTopic>;
  readonly enqueue: (actor: Asker, input: EnqueueInput) => Promise<EnqueueResult>;
  readonly dequeue: (actor: Asker, input: DequeueInput, signal: AbortSignal) => Promise<DequeueResult>;
  readonly ack: (actor: Asker, input: AckInput) => Promise<readonly boolean[]>;
  readonly nack: (actor: Asker, input: NackInput) => Promise<readonly NackedItem[]>;
}

export interface QueueServiceDependencies extends QueueEngine {
  readonly newId: (shard: number) => string;
  readonly observeBatch: (statement: string, calls: number) => void;
}

/** The verbs of the priority queue over one shard's engine. */
export function createQueueServices(dependencies: QueueServiceDependencies): QueueServices {
  const { newId, observeBatch, ...engine } = dependencies;
  const settings = new QueueSettings(engine.shard, () => performance.now());
  return {
    upsertTopic: createUpsertTopic(engine, settings),
    enqueue: createEnqueue({
      ...engine,
      settings,
      newId,
      now: Date.now,
      observeBatch: (calls) => observeBatch('enqueue', calls),
    }),
    dequeue: createDequeue(engine),
    ack: createAck(engine, (calls) => observeBatch('ack', calls)),
    nack: createNack(engine),
  };
}
