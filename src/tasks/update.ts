import type { Actor } from '../domain/actor.ts';
import { requireRole } from '../domain/actor.ts';
import { badInput } from '../domain/errors.ts';
import { parseId } from '../domain/ids.ts';
import { parseName } from '../domain/names.ts';
import type { TaskRecord, TaskStatus } from '../domain/task.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement } from '../postgres/sql.ts';
import type { Announcer } from '../queue/announcements.ts';
import type { Topics } from '../queue/topics.ts';
import { findTaskFor, taskOperators } from './find-task.ts';
import type { OpenedRow } from './open-tasks.ts';
import { openTasks } from './open-tasks.ts';
import type { BulkResult } from './retry.ts';
import { findForBulk, parseOptionalReason, readInOrder } from './retry.ts';
import type { TaskStore } from './store.ts';
import type { TaskFilter } from './task-filter.ts';
import type { AnyTaskHandler } from './task-handler.ts';
import { parsePayloadText, parsePriority, parseRunAt } from './task-input.ts';

const updateTasks = loadStatement('update-tasks');
const waitingStatuses = ['SCHEDULED', 'AVAILABLE', 'RETRYABLE'] as const;

interface Change {
  readonly priority?: number | null;
  /** A time that has passed means at once. */
  readonly runAt?: Date | null;
  readonly reason?: string | null;
}

export interface UpdateTaskInput extends Change {
  readonly taskId: string;
  readonly payload?: unknown;
}

export interface UpdateTasksInput extends Change {
  readonly namespace: string;
  readonly filter?: TaskFilter | null;
  readonly limit: number;
  readonly dryRun: boolean;
}

export type UpdateResult =
  | { readonly kind: 'updated'; readonly tasks: readonly TaskRecord[]; readonly bulk?: BulkResult }
  | { readonly kind: 'notUpdatable'; readonly status: TaskStatus };

export interface UpdateDependencies {
  readonly shard: Shard;
  readonly topics: Topics;
  readonly store: TaskStore;
  readonly announcer: Announcer;
  readonly handlers: readonly AnyTaskHandler[];
  readonly now: () => number;
}

/**
 * Changes priority, time or payload of a task that waits. One that runs or has ended stays as it is.
 * @returns a function that throws Fault `NOT_FOUND`, `FORBIDDEN`, `BAD_USER_INPUT` or `UNAVAILABLE`
 */
export function createUpdateTask(
  dependencies: UpdateDependencies,
): (actor: Actor | undefined, input: UpdateTaskInput) => Promise<UpdateResult> {
  const { store, handlers } = dependencies;
  return async (actor, input) => {
    const id = parseId('input.taskId', input.taskId);
    const values = parseChange(input, dependencies.now());
    const task = await findTaskFor(store, actor, id, taskOperators);
    const handler = handlers.find((one) => one.kind === task.kind);
    const payload = input.payload == null ? null : parsePayloadText('input.payload', input.payload, handler);
    requireAny([...values, payload]);
    const changed = await change(dependencies, task.namespace, [id], [...values, payload], actor!, input.reason);
    const now = await store.getTask(id);
    return changed.length === 1 ? { kind: 'updated', tasks: [now] } : { kind: 'notUpdatable', status: now.status };
  };
}

/** Changes priority or time of the waiting tasks that match a filter. A dry run shows which they would be. */
export function createUpdateTasks(
  dependencies: UpdateDependencies,
): (actor: Actor | undefined, input: UpdateTasksInput) => Promise<UpdateResult> {
  const { shard, store } = dependencies;
  return async (maybeActor, input) => {
    const namespace = parseName('input.namespace', input.namespace);
    const actor = requireRole(maybeActor, namespace, taskOperators);
    const values = parseChange(input, dependencies.now());
    requireAny(values);
    const status = parseStatuses(input.filter?.status);
    const found = await findForBulk(shard, namespace, { ...input.filter, status }, input.limit);
    const bulk = { dryRun: input.dryRun, hasMore: found.hasMore };
    if (input.dryRun || found.tasks.length === 0) return { kind: 'updated', tasks: found.tasks, bulk };
    const ids = found.tasks.map((task) => task.id);
    const changed = await change(dependencies, namespace, ids, [...values, null], actor, input.reason);
    return { kind: 'updated', tasks: await readInOrder(store, changed, ids), bulk };
  };
}

function parseChange(input: Change, now: number): readonly [number | null, string | null] {
  const priority = input.priority == null ? null : parsePriority('input.priority', input.priority);
  if (input.runAt == null) return [priority, null];
  const runAt = parseRunAt('input.runAt', input.runAt, now);
  return [priority, (runAt ?? new Date(0)).toISOString()];
}

function requireAny(values: readonly unknown[]): void {
  if (values.every((value) => value === null)) throw badInput('input', 'must change something');
}

function parseStatuses(wanted: readonly TaskStatus[] | null | undefined): readonly TaskStatus[] {
  if (wanted === null || wanted === undefined || wanted.length === 0) return waitingStatuses;
  const stray = wanted.findIndex((status) => waitingStatuses.every((one) => one !== status));
  if (stray >= 0) throw badInput(`input.filter.status.${stray}`, `must be one of ${waitingStatuses.join(', ')}`);
  return wanted;
}

async function change(
  { shard, topics, announcer }: UpdateDependencies,
  namespace: string,
  ids: readonly string[],
  values: readonly unknown[],
  actor: Actor,
  reason: string | null | undefined,
): Promise<readonly string[]> {
  const rows = await shard.run<OpenedRow>(updateTasks, [
    namespace,
    ids,
    ...values,
    actor.subject,
    parseOptionalReason(reason),
  ]);
  if (rows.length === 0) return [];
  // Whoever now waits for its time leaves a ticket behind, which the next worker acks away.
  await openTasks({ shard, topics, announcer }, rows);
  announcer.eventsWritten();
  return rows.map((row) => row.item_id);
}
