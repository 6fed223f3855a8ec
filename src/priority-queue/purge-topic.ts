import type { Actor } from '../domain/actor.ts';
import { requireRole } from '../domain/actor.ts';
import { limits } from '../domain/limits.ts';
import { parseName } from '../domain/names.ts';
import { loadStatement } from '../postgres/sql.ts';
import type { QueueEngine } from './engine.ts';
import { findQueueTopic } from './find-topic.ts';
import { parseTopicReason } from './pause-topic.ts';
import { queueOperators } from './roles.ts';

const countPurgeable = loadStatement('count-purgeable-items');
const purgeItems = loadStatement('purge-items');
const rowsPerStep = 2_000;

export interface PurgeTopicInput {
  readonly namespace: string;
  readonly topic: string;
  /** Only says what would go. */
  readonly dryRun?: boolean | null;
  /** Only what was enqueued before. */
  readonly enqueuedBefore?: Date | null;
  /** Only what has this priority or a worse one. */
  readonly priorityAtLeast?: number | null;
  readonly reason?: string | null;
}

export interface PurgeResult {
  readonly dryRun: boolean;
  /** How many went, or would go. */
  readonly items: number;
  /** How many are left to purge: more than one call takes, or held by a pick at this moment. */
  readonly left: number;
}

/**
 * Removes items that wait; those that are held stay. What is enqueued after the call began stays, too.
 * @returns a function that throws Fault `NOT_FOUND`, `FORBIDDEN`, `BAD_USER_INPUT` or `UNAVAILABLE`
 */
export function createPurgeTopic({
  shard,
  topics,
  announcer,
}: QueueEngine): (actor: Actor | undefined, input: PurgeTopicInput) => Promise<PurgeResult> {
  return async (maybeActor, input) => {
    const namespace = parseName('input.namespace', input.namespace);
    const actor = requireRole(maybeActor, namespace, queueOperators);
    const reason = parseTopicReason(input.reason);
    const topic = await findQueueTopic(topics, namespace, 'input.topic', input.topic);
    const before = input.enqueuedBefore?.toISOString() ?? null;
    const priority = input.priorityAtLeast ?? null;
    const counted = await shard.runPatiently<{ items: number; at: string }>(countPurgeable, [
      topic.id,
      before,
      priority,
    ]);
    const { items, at } = counted[0]!;
    if (input.dryRun ?? false) return { dryRun: true, items, left: items };
    let gone = 0;
    while (gone < limits.queuePurgedPerCall) {
      const step = Math.min(rowsPerStep, limits.queuePurgedPerCall - gone);
      const rows = await shard.run<{ purged: number }>(purgeItems, [
        topic.id,
        before ?? at,
        priority,
        step,
        actor.subject,
        reason,
      ]);
      gone += rows[0]!.purged;
      if (rows[0]!.purged < step) break;
    }
    if (gone > 0) announcer.eventsWritten();
    return { dryRun: false, items: gone, left: Math.max(0, items - gone) };
  };
}
