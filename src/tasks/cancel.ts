import type { Actor } from '../domain/actor.ts';
import { parseId } from '../domain/ids.ts';
import type { TaskRecord } from '../domain/task.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement } from '../postgres/sql.ts';
import type { Announcer } from '../queue/announcements.ts';
import type { Topics } from '../queue/topics.ts';
import { findJobFor, findTaskFor, taskOperators } from './find-task.ts';
import type { OpenedRow } from './open-tasks.ts';
import { openTasks } from './open-tasks.ts';
import { parseOptionalReason } from './retry.ts';
import type { TaskStore } from './store.ts';

const cancelTasks = loadStatement('cancel-tasks');

export interface CancelTaskInput {
  readonly taskId: string;
  readonly reason?: string | null;
}

export interface CancelJobInput {
  readonly jobId: string;
  readonly reason?: string | null;
}

export type CancelResult =
  | { readonly kind: 'cancelled'; readonly tasks: readonly TaskRecord[] }
  | { readonly kind: 'notCancellable' };

export interface CancelDependencies {
  readonly shard: Shard;
  readonly topics: Topics;
  readonly store: TaskStore;
  readonly announcer: Announcer;
}

/**
 * Cancels an open task. One that runs is cancelled in the record at once, and whatever its worker says later changes
 * nothing; the worker notices at its next heartbeat and aborts the handler.
 * @returns a function that throws Fault `NOT_FOUND`, `FORBIDDEN`, `BAD_USER_INPUT` or `UNAVAILABLE`
 */
export function createCancelTask(
  dependencies: CancelDependencies,
): (actor: Actor | undefined, input: CancelTaskInput) => Promise<CancelResult> {
  const { store } = dependencies;
  return async (actor, input) => {
    const id = parseId('input.taskId', input.taskId);
    const reason = parseOptionalReason(input.reason);
    const task = await findTaskFor(store, actor, id, taskOperators);
    const cancelled = await cancel(dependencies, task.namespace, [id], actor!, reason);
    return cancelled.length === 0
      ? { kind: 'notCancellable' }
      : { kind: 'cancelled', tasks: [await store.getTask(id)] };
  };
}

/** Cancels all open tasks of a job. Faults as for one task. */
export function createCancelJob(
  dependencies: CancelDependencies,
): (actor: Actor | undefined, input: CancelJobInput) => Promise<CancelResult> {
  const { store } = dependencies;
  return async (actor, input) => {
    const jobId = parseId('input.jobId', input.jobId);
    const reason = parseOptionalReason(input.reason);
    const job = await findJobFor(store, actor, jobId, taskOperators);
    const ids = (await store.tasksOf(jobId)).map((task) => task.id);
    const cancelled = new Set(await cancel(dependencies, job.namespace, ids, actor!, reason));
    if (cancelled.size === 0) return { kind: 'notCancellable' };
    return { kind: 'cancelled', tasks: (await store.tasksOf(jobId)).filter((task) => cancelled.has(task.id)) };
  };
}

async function cancel(
  { shard, topics, announcer }: CancelDependencies,
  namespace: string,
  ids: readonly string[],
  actor: Actor,
  reason: string | null,
): Promise<readonly string[]> {
  const rows = await shard.run<OpenedRow & { readonly ticket: string | null }>(cancelTasks, [
    namespace,
    ids,
    actor.subject,
    reason,
  ]);
  // The tickets of tasks that waited are found without an item by the next worker, which acks them away.
  for (const row of rows) if (row.ticket !== null) announcer.acknowledge(row.ticket);
  await openTasks({ shard, topics, announcer }, rows);
  if (rows.length > 0) announcer.eventsWritten();
  return rows.filter((row) => row.outcome === 'cancelled').map((row) => row.item_id);
}
