import type { Actor } from '../domain/actor.ts';
import { parseId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { parseText } from '../domain/names.ts';
import type { TaskRecord, TaskStatus } from '../domain/task.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement } from '../postgres/sql.ts';
import type { Announcer } from '../queue/announcements.ts';
import { announceReady } from '../queue/announcements.ts';
import type { Topics } from '../queue/topics.ts';
import { findJobFor, findTaskFor, taskOperators } from './find-task.ts';
import { parseKinds } from './list-tasks.ts';
import type { TaskStore } from './store.ts';

const retryTasks = loadStatement('retry-tasks');

export interface RetryTaskInput {
  readonly taskId: string;
  readonly reason?: string | null;
}

export interface RetryFailedTasksInput {
  readonly jobId: string;
  readonly kinds?: readonly string[] | null;
  readonly reason?: string | null;
}

export type RetryResult =
  | { readonly kind: 'retried'; readonly tasks: readonly TaskRecord[] }
  | { readonly kind: 'notRetryable'; readonly status: TaskStatus };

export interface RetryDependencies {
  readonly shard: Shard;
  readonly topics: Topics;
  readonly store: TaskStore;
  readonly announcer: Announcer;
}

interface Row {
  readonly id: string;
  readonly topic_id: number;
  readonly priority: number;
  readonly deliver_after: string;
}

/**
 * Puts one failed or cancelled task back, to run at once, with its priority and all its attempts before it. Of two calls
 * at the same time one puts it back; the other finds a task that is not retryable.
 * @returns a function that throws Fault `NOT_FOUND`, `FORBIDDEN`, `BAD_USER_INPUT` or `UNAVAILABLE`
 */
export function createRetryTask(
  dependencies: RetryDependencies,
): (actor: Actor | undefined, input: RetryTaskInput) => Promise<RetryResult> {
  const { store } = dependencies;
  return async (actor, input) => {
    const id = parseId('input.taskId', input.taskId);
    const reason = parseOptionalReason(input.reason);
    const task = await findTaskFor(store, actor, id, taskOperators);
    const retried = await putBack(dependencies, task.namespace, [id], ['FAILED', 'CANCELLED'], actor!, reason);
    const now = await store.getTask(id);
    return retried.length === 1 ? { kind: 'retried', tasks: [now] } : { kind: 'notRetryable', status: now.status };
  };
}

/**
 * Puts the failed tasks of a job back, of some kinds or of all, and touches no other. None that failed: none is put
 * back. Faults as for one task.
 */
export function createRetryFailedTasks(
  dependencies: RetryDependencies,
): (actor: Actor | undefined, input: RetryFailedTasksInput) => Promise<RetryResult> {
  const { store } = dependencies;
  return async (actor, input) => {
    const jobId = parseId('input.jobId', input.jobId);
    const reason = parseOptionalReason(input.reason);
    const kinds = parseKinds('input.kinds', input.kinds);
    const job = await findJobFor(store, actor, jobId, taskOperators);
    const failed = (await store.tasksOf(jobId)).filter(
      (task) => task.status === 'FAILED' && (kinds === null || kinds.includes(task.kind)),
    );
    if (failed.length === 0) return { kind: 'retried', tasks: [] };
    const ids = failed.map((task) => task.id);
    const retried = new Set(await putBack(dependencies, job.namespace, ids, ['FAILED'], actor!, reason));
    return { kind: 'retried', tasks: (await store.tasksOf(jobId)).filter((task) => retried.has(task.id)) };
  };
}

/** Takes a reason for the audit trail. */
export function parseOptionalReason(reason: string | null | undefined): string | null {
  if (reason === null || reason === undefined || reason.trim() === '') return null;
  return parseText('input.reason', reason, { charactersMax: limits.reasonCharacters, lines: true });
}

/** @returns the ids of those that were put back by this very call */
async function putBack(
  { shard, topics, announcer }: RetryDependencies,
  namespace: string,
  ids: readonly string[],
  from: readonly ('FAILED' | 'CANCELLED')[],
  actor: Actor,
  reason: string | null,
): Promise<readonly string[]> {
  const rows = await shard.run<Row>(retryTasks, [namespace, ids, from, actor.subject, reason]);
  if (rows.length === 0) return [];
  await topics.byIds(rows.map((row) => row.topic_id));
  const ready = rows.map((row) => ({
    topic: topics.byId(row.topic_id)!,
    key: { priority: row.priority, deliverAfter: row.deliver_after, id: row.id },
  }));
  announceReady(announcer, ready);
  announcer.issueTickets(ready.map(({ topic, key }) => ({ topic, itemId: key.id, priority: key.priority })));
  announcer.eventsWritten();
  return rows.map((row) => row.id);
}
