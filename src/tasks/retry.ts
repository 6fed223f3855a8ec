import type { Actor } from '../domain/actor.ts';
import { requireRole } from '../domain/actor.ts';
import { badInput } from '../domain/errors.ts';
import { parseId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { parseName, parseText, parseWhole } from '../domain/names.ts';
import type { TaskRecord, TaskStatus } from '../domain/task.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement, planEachTime } from '../postgres/sql.ts';
import type { Announcer } from '../queue/announcements.ts';
import type { Topics } from '../queue/topics.ts';
import { findJobFor, findTaskFor, taskOperators } from './find-task.ts';
import type { OpenedRow } from './open-tasks.ts';
import { openTasks } from './open-tasks.ts';
import type { TaskStore } from './store.ts';
import type { TaskFilter } from './task-filter.ts';
import { parseKinds, readTaskFilter } from './task-filter.ts';
import type { TaskRow } from './task-rows.ts';
import { toTask } from './task-rows.ts';

const retryTasks = loadStatement('retry-tasks');
const listTasks = planEachTime(loadStatement('list-tasks'));

/** How a task may stand that can be put back. */
const retryableStatuses = ['FAILED', 'CANCELLED', 'RETRYABLE'] as const;
type RetryableStatus = (typeof retryableStatuses)[number];
/** PostgreSQL's code for a row that breaks a unique index: another task took the key at this very moment. */
const keyTaken = '23505';

export interface RetryTaskInput {
  readonly taskId: string;
  readonly reason?: string | null;
}

export interface RetryFailedTasksInput {
  readonly jobId: string;
  readonly kinds?: readonly string[] | null;
  readonly reason?: string | null;
}

export interface RetryTasksInput {
  readonly namespace: string;
  readonly filter?: TaskFilter | null;
  readonly limit: number;
  readonly dryRun: boolean;
  readonly reason?: string | null;
}

export type RetryResult =
  | {
      readonly kind: 'retried';
      readonly tasks: readonly TaskRecord[];
      /** Present when tasks were chosen by a filter: whether more match, and whether nothing was changed. */
      readonly bulk?: BulkResult;
    }
  | { readonly kind: 'notRetryable'; readonly status: TaskStatus };

export interface BulkResult {
  readonly dryRun: boolean;
  readonly hasMore: boolean;
}

export interface RetryDependencies {
  readonly shard: Shard;
  readonly topics: Topics;
  readonly store: TaskStore;
  readonly announcer: Announcer;
}

/**
 * Puts one failed or cancelled task back, to run at once, with its priority and all its attempts before it; one that
 * waits for its next attempt has that now. Of two calls at the same time one puts it back; the other finds a task that is
 * not retryable.
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
    const retried = await putBack(dependencies, task.namespace, [id], retryableStatuses, actor!, reason);
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

/**
 * Puts the tasks back that match a filter, newest first and at most so many; failed ones unless the filter asks for
 * others. A dry run changes nothing and shows which they would be. Each is put back only if it still stands so.
 * @returns a function that throws Fault `FORBIDDEN`, `BAD_USER_INPUT` or `UNAVAILABLE`
 */
export function createRetryTasks(
  dependencies: RetryDependencies,
): (actor: Actor | undefined, input: RetryTasksInput) => Promise<RetryResult> {
  const { shard } = dependencies;
  return async (maybeActor, input) => {
    const namespace = parseName('input.namespace', input.namespace);
    const actor = requireRole(maybeActor, namespace, taskOperators);
    const reason = parseOptionalReason(input.reason);
    const from = parseStatuses(input.filter?.status);
    const found = await findForBulk(shard, namespace, { ...input.filter, status: from }, input.limit);
    const bulk = { dryRun: input.dryRun, hasMore: found.hasMore };
    if (input.dryRun || found.tasks.length === 0) return { kind: 'retried', tasks: found.tasks, bulk };
    const ids = found.tasks.map((task) => task.id);
    const retried = await putBack(dependencies, namespace, ids, from, actor, reason);
    return { kind: 'retried', tasks: await readInOrder(dependencies.store, retried, ids), bulk };
  };
}

/** The tasks that a filter finds, newest first, at most as many as one call may change. */
export async function findForBulk(
  shard: Shard,
  namespace: string,
  filter: TaskFilter,
  limit: number,
): Promise<{ readonly tasks: readonly TaskRecord[]; readonly hasMore: boolean }> {
  const most = parseWhole('input.limit', limit, 1, limits.tasksPerBulk);
  const values = await readTaskFilter(shard, namespace, filter, null, 'input.filter');
  const rows = await shard.run<TaskRow>(listTasks, [...values, most + 1]);
  return { tasks: rows.slice(0, most).map(toTask), hasMore: rows.length > most };
}

/** Reads those tasks that were changed, in the order in which they were found. */
export async function readInOrder(
  store: TaskStore,
  changed: readonly string[],
  order: readonly string[],
): Promise<readonly TaskRecord[]> {
  const wanted = new Set(changed);
  return Promise.all(order.filter((id) => wanted.has(id)).map((id) => store.getTask(id)));
}

function parseStatuses(wanted: readonly TaskStatus[] | null | undefined): readonly RetryableStatus[] {
  if (wanted === null || wanted === undefined || wanted.length === 0) return ['FAILED'];
  return wanted.map((status, index) => {
    const known = retryableStatuses.find((one) => one === status);
    if (known === undefined)
      throw badInput(`input.filter.status.${index}`, `must be one of ${retryableStatuses.join(', ')}`);
    return known;
  });
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
  from: readonly RetryableStatus[],
  actor: Actor,
  reason: string | null,
): Promise<readonly string[]> {
  const values = [namespace, ids, from, actor.subject, reason];
  const rows = await shard.run<OpenedRow>(retryTasks, values).catch((error: unknown) => {
    if ((error as { code?: unknown }).code !== keyTaken) throw error;
    return shard.run<OpenedRow>(retryTasks, values); // it now sees who has the key, and leaves that task out
  });
  if (rows.length === 0) return [];
  await openTasks({ shard, topics, announcer }, rows);
  announcer.eventsWritten();
  return rows.map((row) => row.item_id);
}
