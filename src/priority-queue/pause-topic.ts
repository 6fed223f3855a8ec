import type { Actor } from '../domain/actor.ts';
import { requireRole } from '../domain/actor.ts';
import { badInput } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { parseName, parseText } from '../domain/names.ts';
import type { QueueTopic } from '../domain/queue-item.ts';
import { loadStatement } from '../postgres/sql.ts';
import type { QueueEngine } from './engine.ts';
import { findQueueTopic } from './find-topic.ts';
import { queueOperators } from './roles.ts';
import type { QueueSettings } from './settings.ts';

const pauseTopic = loadStatement('pause-queue-topic');

export interface ResumeTopicInput {
  readonly namespace: string;
  readonly topic: string;
}

export interface PauseTopicInput extends ResumeTopicInput {
  readonly until?: Date | null;
  readonly reason?: string | null;
}

type Verb<Input> = (actor: Actor | undefined, input: Input) => Promise<QueueTopic>;

/** Before every item of a topic: looks begin at the very beginning. */
const beginning = {
  priority: -2_147_483_648,
  deliverAfter: '-infinity',
  id: '00000000-0000-0000-0000-000000000000',
} as const;

/**
 * Stops the deliveries of a topic, until a moment or until it is resumed. Items can still be enqueued, and those that
 * are held be acknowledged.
 * @returns a function that throws Fault `NOT_FOUND`, `FORBIDDEN`, `BAD_USER_INPUT` or `UNAVAILABLE`
 */
export function createPauseTopic({ shard, topics }: QueueEngine, settings: QueueSettings): Verb<PauseTopicInput> {
  return async (actor, input) => {
    const namespace = parseName('input.namespace', input.namespace);
    requireRole(actor, namespace, queueOperators);
    const until = input.until ?? null;
    if (until !== null && until.getTime() <= Date.now()) throw badInput('input.until', 'must be in the future');
    const reason =
      input.reason == null || input.reason.trim() === ''
        ? null
        : parseText('input.reason', input.reason, { charactersMax: limits.reasonCharacters, lines: true });
    const topic = await findQueueTopic(topics, namespace, 'input.topic', input.topic);
    await shard.run(pauseTopic, [topic.id, true, until?.toISOString() ?? null, reason]);
    return settings.refresh(topic.id);
  };
}

/** Lets the deliveries of a topic go on; whoever waits for an item is told. Faults as for a pause. */
export function createResumeTopic(
  { shard, topics, announcer }: QueueEngine,
  settings: QueueSettings,
): Verb<ResumeTopicInput> {
  return async (actor, input) => {
    const namespace = parseName('input.namespace', input.namespace);
    requireRole(actor, namespace, queueOperators);
    const topic = await findQueueTopic(topics, namespace, 'input.topic', input.topic);
    await shard.run(pauseTopic, [topic.id, false, null, null]);
    announcer.itemBecameReady(topic, beginning);
    return settings.refresh(topic.id);
  };
}
