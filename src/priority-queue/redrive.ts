import type { Actor } from '../domain/actor.ts';
import { requireRole } from '../domain/actor.ts';
import { badInput } from '../domain/errors.ts';
import { parseId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { parseName, parseText, parseWhole } from '../domain/names.ts';
import type { Topic } from '../domain/topic.ts';
import { loadStatement } from '../postgres/sql.ts';
import { announceReady } from '../queue/announcements.ts';
import type { QueueEngine } from './engine.ts';
import { findQueueTopic } from './find-topic.ts';
import { parseMetadata } from './parse-item.ts';
import { parseTopicReason } from './pause-topic.ts';
import { queueOperators } from './roles.ts';

const redriveDeadLetters = loadStatement('redrive-dead-letters');
const rowsPerStep = 500;
const keyConflictRetries = 3;

export interface RedriveInput {
  readonly namespace: string;
  /** The topic from which the dead letters come. */
  readonly topic: string;
  readonly itemIds?: readonly string[] | null;
  readonly reasonContains?: string | null;
  readonly metadata?: unknown;
  readonly diedBefore?: Date | null;
  readonly itemsPerSecond?: number | null;
  readonly limit?: number | null;
  readonly dryRun?: boolean | null;
  readonly reason?: string | null;
}

export interface RedriveResult {
  readonly dryRun: boolean;
  /** Those that went back, or would. */
  readonly itemIds: readonly string[];
}

interface Row {
  readonly id: string;
  readonly state: 'ready' | 'delayed' | null;
  readonly priority: number;
  readonly deliver_after: string;
}

/**
 * Puts dead letters back into the topic from which they come, with their settings intact and all attempts before them.
 * With a rate they become due one after the other. One whose unique key an open item of the topic has stays where it is.
 * @returns a function that throws Fault `NOT_FOUND`, `FORBIDDEN`, `BAD_USER_INPUT` or `UNAVAILABLE`
 */
export function createRedrive(
  engine: QueueEngine,
): (actor: Actor | undefined, input: RedriveInput) => Promise<RedriveResult> {
  const { topics, announcer } = engine;
  return async (maybeActor, input) => {
    const namespace = parseName('input.namespace', input.namespace);
    const actor = requireRole(maybeActor, namespace, queueOperators);
    const filter = parseFilter(input);
    const rate =
      input.itemsPerSecond == null ? null : parseWhole('input.itemsPerSecond', input.itemsPerSecond, 1, 1_000_000);
    const limit = parseWhole('input.limit', input.limit ?? 1_000, 1, limits.queueRedrivenPerCall);
    const reason = parseTopicReason(input.reason);
    const topic = await findQueueTopic(topics, namespace, 'input.topic', input.topic);
    const dryRun = input.dryRun ?? false;
    if (dryRun) {
      const rows = await redriveStep(engine, [topic.id, limit, rate, 0, ...filter, actor.subject, true, null]);
      return { dryRun, itemIds: rows.map((row) => row.id) };
    }
    const itemIds: string[] = [];
    while (itemIds.length < limit) {
      const step = Math.min(rowsPerStep, limit - itemIds.length);
      const place = [topic.id, step, rate, itemIds.length];
      const rows = await redriveStep(engine, [...place, ...filter, actor.subject, false, reason]);
      announce(engine, topic, rows);
      itemIds.push(...rows.map((row) => row.id));
      // Fewer than asked for may only mean that some had one unique key.
      if (rows.length === 0) break;
    }
    if (itemIds.length > 0) announcer.eventsWritten();
    return { dryRun, itemIds };
  };
}

function parseFilter(input: RedriveInput): readonly unknown[] {
  const ids = input.itemIds ?? null;
  if (ids !== null && ids.length > limits.queueItemsPerCall) {
    throw badInput('input.itemIds', `must have at most ${limits.queueItemsPerCall} entries`);
  }
  return [
    ids?.map((id, index) => parseId(`input.itemIds.${index}`, id)) ?? null,
    input.reasonContains == null
      ? null
      : parseText('input.reasonContains', input.reasonContains, { charactersMax: limits.textCharacters }),
    parseMetadata('input.metadata', input.metadata),
    input.diedBefore?.toISOString() ?? null,
  ];
}

/** One statement. It loses against an enqueue of the same unique key in the same moment, and then looks again. */
async function redriveStep({ shard }: QueueEngine, values: readonly unknown[]): Promise<readonly Row[]> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await shard.run<Row>(redriveDeadLetters, values);
    } catch (error) {
      if ((error as { code?: unknown }).code !== '23505' || attempt >= keyConflictRetries) throw error;
    }
  }
}

function announce({ announcer }: QueueEngine, topic: Topic, rows: readonly Row[]): void {
  const ready = rows
    .filter((row) => row.state === 'ready')
    .map((row) => ({ topic, key: { priority: row.priority, deliverAfter: row.deliver_after, id: row.id } }));
  announceReady(announcer, ready);
  if (ready.length > 0)
    announcer.issueTickets(ready.map(({ key }) => ({ topic, itemId: key.id, priority: key.priority })));
}
