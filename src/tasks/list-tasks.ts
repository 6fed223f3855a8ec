import type { Actor } from '../domain/actor.ts';
import { requireRole } from '../domain/actor.ts';
import { badInput } from '../domain/errors.ts';
import { parseId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { parseName, parseText } from '../domain/names.ts';
import type { JobRecord, JobStatus, TaskRecord, TaskStatus } from '../domain/task.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement } from '../postgres/sql.ts';
import { taskReaders } from './find-task.ts';
import type { JobRow, TaskRow } from './task-rows.ts';
import { toJob, toTask } from './task-rows.ts';

const listJobs = loadStatement('list-jobs');
const listTasks = loadStatement('list-tasks');
const readTaskKinds = loadStatement('read-task-kinds');

interface PageArguments {
  readonly namespace: string;
  readonly first: number;
  readonly after?: string | null;
}

export interface TaskListArguments extends PageArguments {
  readonly filter?: {
    readonly kind?: readonly string[] | null;
    readonly status?: readonly TaskStatus[] | null;
    readonly jobId?: string | null;
  } | null;
}

export interface JobListArguments extends PageArguments {
  readonly filter?: {
    readonly kind?: readonly string[] | null;
    readonly status?: readonly JobStatus[] | null;
    readonly externalId?: string | null;
  } | null;
}

export interface Page<Node> {
  readonly edges: readonly { readonly cursor: string; readonly node: Node }[];
  readonly hasNextPage: boolean;
}

/** A kind of task that a namespace has used, with how many of its tasks stand how. */
export interface TaskKind {
  readonly kind: string;
  readonly scheduled: number;
  readonly available: number;
  readonly running: number;
  readonly retryable: number;
  readonly failed: number;
}

/**
 * Lists a namespace's tasks, newest first, page by page.
 * @returns a function that throws Fault `FORBIDDEN`, `BAD_USER_INPUT` or `UNAVAILABLE`
 */
export function createListTasks(
  shard: Shard,
): (actor: Actor | undefined, input: TaskListArguments) => Promise<Page<TaskRecord>> {
  return async (actor, input) => {
    const namespace = parseName('namespace', input.namespace);
    requireRole(actor, namespace, taskReaders);
    const { kind, status, jobId } = input.filter ?? {};
    const rows = await shard.run<TaskRow>(listTasks, [
      namespace,
      anyOf(status),
      parseKinds('filter.kind', kind),
      jobId === null || jobId === undefined ? null : parseId('filter.jobId', jobId),
      decodeIdCursor(input.after),
      input.first + 1,
    ]);
    return toPage(rows, input.first, toTask);
  };
}

/** The same for jobs. */
export function createListJobs(
  shard: Shard,
): (actor: Actor | undefined, input: JobListArguments) => Promise<Page<JobRecord>> {
  return async (actor, input) => {
    const namespace = parseName('namespace', input.namespace);
    requireRole(actor, namespace, taskReaders);
    const { kind, status, externalId } = input.filter ?? {};
    const rows = await shard.run<JobRow>(listJobs, [
      namespace,
      anyOf(status),
      parseKinds('filter.kind', kind),
      externalId === null || externalId === undefined
        ? null
        : parseText('filter.externalId', externalId, { charactersMax: limits.textCharacters }),
      decodeIdCursor(input.after),
      input.first + 1,
    ]);
    return toPage(rows, input.first, toJob);
  };
}

/** The kinds of task that a namespace has used, by name; at most a thousand. Faults as for the lists. */
export function createListTaskKinds(
  shard: Shard,
): (actor: Actor | undefined, namespace: string) => Promise<readonly TaskKind[]> {
  return async (actor, name) => {
    const namespace = parseName('namespace', name);
    requireRole(actor, namespace, taskReaders);
    return shard.run<TaskKind>(readTaskKinds, [namespace]);
  };
}

/** Takes the names of kinds; none at all means every kind. */
export function parseKinds(field: string, kinds: readonly string[] | null | undefined): readonly string[] | null {
  if (kinds === null || kinds === undefined || kinds.length === 0) return null;
  if (kinds.length > limits.taskKindsPerFilter) {
    throw badInput(field, `must have at most ${limits.taskKindsPerFilter} entries`);
  }
  return kinds.map((kind, index) => parseName(`${field}.${index}`, kind));
}

function anyOf<Value>(values: readonly Value[] | null | undefined): readonly Value[] | null {
  return values === null || values === undefined || values.length === 0 ? null : values;
}

function toPage<Row extends { readonly id: string }, Node>(
  rows: readonly Row[],
  first: number,
  convert: (row: Row) => Node,
): Page<Node> {
  return {
    edges: rows.slice(0, first).map((row) => ({ cursor: encodeIdCursor(row.id), node: convert(row) })),
    hasNextPage: rows.length > first,
  };
}

function encodeIdCursor(id: string): string {
  return Buffer.from(id).toString('base64url');
}

const idPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function decodeIdCursor(cursor: string | null | undefined): string | null {
  if (cursor === null || cursor === undefined) return null;
  const id = Buffer.from(cursor.slice(0, 100), 'base64url').toString('latin1');
  if (!idPattern.test(id)) throw badInput('after', 'is not a cursor of this list');
  return id;
}
