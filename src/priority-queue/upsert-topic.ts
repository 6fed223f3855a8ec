import type { Actor } from '../domain/actor.ts';
import { requireRole } from '../domain/actor.ts';
import { badInput } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { parseName, parseWhole } from '../domain/names.ts';
import type { QueueTopic } from '../domain/queue-item.ts';
import { loadStatement } from '../postgres/sql.ts';
import type { QueueEngine } from './engine.ts';
import { describeChange, parseTopicReason } from './pause-topic.ts';
import { queueOperators } from './roles.ts';
import type { QueueSettings } from './settings.ts';

const saveTopic = loadStatement('save-queue-topic');

export interface BackoffInput {
  readonly firstSeconds: number;
  readonly factor?: number | null;
  readonly capSeconds?: number | null;
}

/** What is left out stays as it is, or has the default in a new topic; null takes a limit away. */
export interface UpsertTopicInput {
  readonly namespace: string;
  readonly name: string;
  readonly leaseSeconds?: number | null;
  readonly maxAttempts?: number | null;
  readonly ttlSeconds?: number | null;
  readonly payloadBytesMax?: number | null;
  readonly maxDepth?: number | null;
  readonly maxInFlight?: number | null;
  readonly enqueuesPerSecond?: number | null;
  readonly ageingSeconds?: number | null;
  readonly backoff?: BackoffInput | null;
  readonly deadLetterTopic?: string | null;
  readonly shards?: number | null;
  readonly history?: boolean | null;
  /** Why; for the audit trail. */
  readonly reason?: string | null;
}

const int32Max = 2_147_483_647;

/** The settings that can be taken away, by the input's name and the column's. */
const removable = {
  ttlSeconds: 'ttl_seconds',
  maxDepth: 'depth_max',
  maxInFlight: 'in_flight_max',
  enqueuesPerSecond: 'enqueues_per_second',
  ageingSeconds: 'ageing_seconds',
  backoff: 'backoff',
} as const;

/**
 * Makes a topic of the priority queue, or changes the settings of one.
 * @returns a function that throws Fault `FORBIDDEN`, `BAD_USER_INPUT`, `NOT_FOUND` (the namespace has a fixed list of
 * topics) or `UNAVAILABLE`
 */
export function createUpsertTopic(
  { shard, topics }: QueueEngine,
  settings: QueueSettings,
): (actor: Actor | undefined, input: UpsertTopicInput) => Promise<QueueTopic> {
  return async (maybeActor, input) => {
    const namespace = parseName('input.namespace', input.namespace);
    const actor = requireRole(maybeActor, namespace, queueOperators);
    const name = parseName('input.name', input.name);
    const values = parseSettings(input);
    const reason = parseTopicReason(input.reason);
    const topic = await topics.ensure(namespace, 'queue', name);
    if (input.deadLetterTopic !== null && input.deadLetterTopic !== undefined) {
      const deadName = parseName('input.deadLetterTopic', input.deadLetterTopic);
      if (deadName === name) throw badInput('input.deadLetterTopic', 'must be another topic');
      values.dead_topic_id = (await topics.ensure(namespace, 'queue', deadName)).id;
    }
    const removed = Object.entries(removable).flatMap(([field, column]) =>
      input[field as keyof typeof removable] === null ? [column] : [],
    );
    const { dead_topic_id: _, ...told } = values;
    const what = describeChange(
      {
        ...told,
        ...(input.deadLetterTopic == null ? {} : { 'dead letters to': input.deadLetterTopic }),
        ...Object.fromEntries(removed.map((name) => [name, 'none'])),
      },
      reason,
    );
    await shard.run(saveTopic, [topic.id, JSON.stringify(values), removed, actor.subject, what]);
    return settings.refresh(topic.id);
  };
}

function parseSettings(input: UpsertTopicInput): Record<string, number | boolean> {
  const values: Record<string, number | boolean> = {};
  const take = (field: keyof UpsertTopicInput, column: string, min: number, max: number): void => {
    const value = input[field];
    if (typeof value === 'number') values[column] = parseWhole(`input.${field}`, value, min, max);
  };
  take('leaseSeconds', 'lease_seconds', limits.leaseSecondsMin, limits.leaseSecondsMax);
  take('maxAttempts', 'max_attempts', 0, 1_000);
  take('ttlSeconds', 'ttl_seconds', 1, limits.queueTtlSeconds);
  take('payloadBytesMax', 'payload_bytes_max', 0, limits.queuePayloadBytesMax);
  take('maxDepth', 'depth_max', 1, int32Max);
  take('maxInFlight', 'in_flight_max', 1, int32Max);
  take('enqueuesPerSecond', 'enqueues_per_second', 1, int32Max);
  take('ageingSeconds', 'ageing_seconds', 1, limits.queueTtlSeconds);
  take('shards', 'shards', 1, 4_096);
  if (typeof input.history === 'boolean') values.history = input.history;
  const { backoff } = input;
  if (backoff !== null && backoff !== undefined) {
    const field = 'input.backoff';
    values.backoff_first_seconds = parseWhole(`${field}.firstSeconds`, backoff.firstSeconds, 1, limits.leaseSecondsMax);
    values.backoff_factor = backoff.factor ?? 2;
    if (!(values.backoff_factor >= 1 && values.backoff_factor <= 10)) {
      throw badInput(`${field}.factor`, 'must be from 1 to 10');
    }
    values.backoff_cap_seconds = parseWhole(
      `${field}.capSeconds`,
      backoff.capSeconds ?? 3_600,
      1,
      limits.queueDelaySeconds,
    );
  }
  return values;
}
