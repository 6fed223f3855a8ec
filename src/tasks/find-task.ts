import type { Actor } from '../domain/actor.ts';
import { hasAnyRole, mayEnter } from '../domain/actor.ts';
import { Fault, forbidden, notFound } from '../domain/errors.ts';
import { parseId } from '../domain/ids.ts';
import type { JobRecord, TaskRecord } from '../domain/task.ts';
import type { TaskStore } from './store.ts';

/** Who may see jobs and tasks. */
export const taskReaders = ['producer', 'supervisor', 'operator'] as const;
/** Who may put tasks back or cancel them. */
export const taskOperators = ['supervisor', 'operator'] as const;

/**
 * Finds a job that the actor may see. What it may not see looks like what does not exist.
 * @returns a function that throws Fault `UNAUTHENTICATED`, `FORBIDDEN`, `NOT_FOUND`, `BAD_USER_INPUT` or `UNAVAILABLE`
 */
export function createFindJob(store: TaskStore): (actor: Actor | undefined, id: string) => Promise<JobRecord> {
  return (actor, id) => findJobFor(store, actor, parseId('id', id), taskReaders);
}

/** The same for a task. */
export function createFindTask(store: TaskStore): (actor: Actor | undefined, id: string) => Promise<TaskRecord> {
  return (actor, id) => findTaskFor(store, actor, parseId('id', id), taskReaders);
}

export async function findJobFor(
  store: TaskStore,
  maybeActor: Actor | undefined,
  id: string,
  wanted: readonly ('producer' | 'supervisor' | 'operator')[],
): Promise<JobRecord> {
  const actor = requireAnyRole(maybeActor, wanted);
  const job = await store.getJob(id);
  if (!mayEnter(actor, job.namespace)) throw notFound('Job');
  return job;
}

export async function findTaskFor(
  store: TaskStore,
  maybeActor: Actor | undefined,
  id: string,
  wanted: readonly ('producer' | 'supervisor' | 'operator')[],
): Promise<TaskRecord> {
  const actor = requireAnyRole(maybeActor, wanted);
  const task = await store.getTask(id);
  if (!mayEnter(actor, task.namespace)) throw notFound('Task');
  return task;
}

function requireAnyRole(actor: Actor | undefined, wanted: readonly ('producer' | 'supervisor' | 'operator')[]): Actor {
  if (actor === undefined) throw new Fault('UNAUTHENTICATED', 'A valid token is needed');
  if (!hasAnyRole(actor, wanted)) throw forbidden(`One of these roles is needed: ${wanted.join(', ')}`);
  return actor;
}
