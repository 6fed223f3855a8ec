import type { Actor } from '../domain/actor.ts';
import { requireRole } from '../domain/actor.ts';
import { limits } from '../domain/limits.ts';
import { parseName } from '../domain/names.ts';
import type { QueueTopic } from '../domain/queue-item.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement } from '../postgres/sql.ts';
import { createBatcher } from '../queue/batcher.ts';
import { queueReaders } from './roles.ts';
import type { QueueSettings } from './settings.ts';

const countQueueTopics = loadStatement('count-queue-topics');

/** How many items of a topic stand how. */
export interface TopicCounts {
  /** Open items in the topic: ready, delayed and leased. */
  readonly depth: number;
  readonly ready: number;
  readonly delayed: number;
  readonly leased: number;
  /** Dead letters that come from it. */
  readonly dead: number;
  /** How long the oldest ready item has been due, in seconds; null without one. */
  readonly oldestReadySeconds: number | null;
}

interface Row {
  readonly ready: number;
  readonly delayed: number;
  readonly leased: number;
  readonly dead: number;
  readonly oldest_ready_seconds: number | null;
}

/** One topic. @returns a function that throws Fault `FORBIDDEN`, `BAD_USER_INPUT` or `UNAVAILABLE`; null: there is none */
export function createFindTopic(
  settings: QueueSettings,
): (actor: Actor | undefined, namespace: string, name: string) => Promise<QueueTopic | null> {
  return async (actor, givenNamespace, givenName) => {
    const namespace = parseName('namespace', givenNamespace);
    requireRole(actor, namespace, queueReaders);
    return (await settings.list(namespace, parseName('name', givenName)))[0] ?? null;
  };
}

/** A namespace's topics by name, at most `limits.queueTopicsListed`. Faults as for one. */
export function createListTopics(
  settings: QueueSettings,
): (actor: Actor | undefined, namespace: string) => Promise<readonly QueueTopic[]> {
  return async (actor, givenNamespace) => {
    const namespace = parseName('namespace', givenNamespace);
    requireRole(actor, namespace, queueReaders);
    return settings.list(namespace, null);
  };
}

/** Counts the items of topics; those who ask at the same time are answered together. */
export function createCountTopic(shard: Shard): (topicId: number) => Promise<TopicCounts> {
  return createBatcher<number, TopicCounts>({
    concurrent: 1,
    rowsMax: limits.pageItems,
    run: async (ids) => {
      const rows = await shard.runPatiently<Row>(countQueueTopics, [ids]);
      return rows.map((row) => ({
        depth: row.ready + row.delayed + row.leased,
        ready: row.ready,
        delayed: row.delayed,
        leased: row.leased,
        dead: row.dead,
        oldestReadySeconds: row.oldest_ready_seconds,
      }));
    },
  });
}
