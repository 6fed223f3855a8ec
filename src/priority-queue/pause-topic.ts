import type { Actor } from '../domain/actor.ts';
import { requireRole } from '../domain/actor.ts';
import { badInput } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { parseName, parseText } from '../domain/names.ts';
import { firstKey } from '../domain/order.ts';
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
  readonly reason?: string | null;
}

export interface PauseTopicInput extends ResumeTopicInput {
  readonly until?: Date | null;
}

/** Why somebody changes a topic; null where they do not say. @throws Fault `BAD_USER_INPUT` */
export function parseTopicReason(reason: string | null | undefined): string | null {
  if (reason == null || reason.trim() === '') return null;
  return parseText('input.reason', reason, { charactersMax: limits.reasonCharacters, lines: true });
}

/** What was set, and why, for the audit trail: `depth max 100, history false: too many`. Null when nothing was. */
export function describeChange(values: Readonly<Record<string, unknown>>, reason: string | null): string | null {
  const what = Object.entries(values)
    .map(([name, value]) => `${name.replaceAll('_', ' ')} ${String(value ?? 'none')}`)
    .join(', ');
  return [what, reason ?? ''].filter((part) => part !== '').join(': ') || null;
}

type Verb<Input> = (actor: Actor | undefined, input: Input) => Promise<QueueTopic>;

/**
 * Stops the deliveries of a topic, until a moment or until it is resumed. Items can still be enqueued, and those that
 * are held be acknowledged.
 * @returns a function that throws Fault `NOT_FOUND`, `FORBIDDEN`, `BAD_USER_INPUT` or `UNAVAILABLE`
 */
export function createPauseTopic({ shard, topics }: QueueEngine, settings: QueueSettings): Verb<PauseTopicInput> {
  return async (maybeActor, input) => {
    const namespace = parseName('input.namespace', input.namespace);
    const actor = requireRole(maybeActor, namespace, queueOperators);
    const until = input.until ?? null;
    if (until !== null && until.getTime() <= Date.now()) throw badInput('input.until', 'must be in the future');
    const reason = parseTopicReason(input.reason);
    const topic = await findQueueTopic(topics, namespace, 'input.topic', input.topic);
    await shard.run(pauseTopic, [topic.id, true, until?.toISOString() ?? null, reason, actor.subject]);
    return settings.refresh(topic.id);
  };
}

/** Lets the deliveries of a topic go on; whoever waits for an item is told. Faults as for a pause. */
export function createResumeTopic(
  { shard, topics, announcer }: QueueEngine,
  settings: QueueSettings,
): Verb<ResumeTopicInput> {
  return async (maybeActor, input) => {
    const namespace = parseName('input.namespace', input.namespace);
    const actor = requireRole(maybeActor, namespace, queueOperators);
    const reason = parseTopicReason(input.reason);
    const topic = await findQueueTopic(topics, namespace, 'input.topic', input.topic);
    await shard.run(pauseTopic, [topic.id, false, null, reason, actor.subject]);
    announcer.itemBecameReady(topic, firstKey);
    return settings.refresh(topic.id);
  };
}
