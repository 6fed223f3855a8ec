import type { Actor } from '../domain/actor.ts';
import { requireRole } from '../domain/actor.ts';
import { badInput } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { parseName } from '../domain/names.ts';
import type { JobRecord, JobStatus, TaskRecord, TaskStatus } from '../domain/task.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement, planEachTime } from '../postgres/sql.ts';
import { taskReaders } from './find-task.ts';
import type { JobFilter, TaskFilter } from './task-filter.ts';
import { readJobFilter, readTaskFilter } from './task-filter.ts';
import type { JobRow, TaskRow } from './task-rows.ts';
import { toJob, toTask } from './task-rows.ts';

const listJobs = planEachTime(loadStatement('list-jobs'));
const listTasks = planEachTime(loadStatement('list-tasks'));
const countJobs = planEachTime(loadStatement('count-jobs'));
const countTasks = planEachTime(loadStatement('count-tasks'));
const readTaskKinds = loadStatement('read-task-kinds');

interface PageArguments {
  readonly namespace: string;
  readonly first: number;
  readonly after?: string | null;
}

export interface TaskListArguments extends PageArguments {
  readonly filter?: TaskFilter | null;
}

export interface JobListArguments extends PageArguments {
  readonly filter?: JobFilter | null;
}

export interface Page<Node> {
  readonly edges: readonly { readonly cursor: string; readonly node: Node }[];
  readonly hasNextPage: boolean;
  /** Shards that did not answer: what they have is missing. */
  readonly partialShards?: readonly number[];
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

/** How many of what matches a filter stand how. */
export interface StatusCounts<Status extends string> {
  readonly counts: ReadonlyMap<Status, number>;
  /** False when more match than are counted: these are then the newest ones. */
  readonly isComplete: boolean;
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
    const values = await readTaskFilter(shard, namespace, input.filter, decodeIdCursor(input.after));
    return toPage(await shard.run<TaskRow>(listTasks, [...values, input.first + 1]), input.first, toTask);
  };
}

/** The same for jobs. */
export function createListJobs(
  shard: Shard,
): (actor: Actor | undefined, input: JobListArguments) => Promise<Page<JobRecord>> {
  return async (actor, input) => {
    const namespace = parseName('namespace', input.namespace);
    requireRole(actor, namespace, taskReaders);
    const values = readJobFilter(namespace, input.filter, decodeIdCursor(input.after));
    return toPage(await shard.run<JobRow>(listJobs, [...values, input.first + 1]), input.first, toJob);
  };
}

/** Counts a namespace's tasks by status, at most 50,000, the newest ones. Faults as for the lists. */
export function createCountTasks(
  shard: Shard,
): (
  actor: Actor | undefined,
  namespace: string,
  filter: TaskFilter | null | undefined,
) => Promise<StatusCounts<TaskStatus>> {
  return async (actor, name, filter) => {
    const namespace = parseName('namespace', name);
    requireRole(actor, namespace, taskReaders);
    const values = await readTaskFilter(shard, namespace, filter, null);
    const rows = await shard.run<{ status: TaskStatus; tasks: number }>(countTasks, [...values, limits.taskCountRows]);
    return toCounts(rows.map(({ status, tasks }) => [status, tasks]));
  };
}

/** The same for jobs. */
export function createCountJobs(
  shard: Shard,
): (
  actor: Actor | undefined,
  namespace: string,
  filter: JobFilter | null | undefined,
) => Promise<StatusCounts<JobStatus>> {
  return async (actor, name, filter) => {
    const namespace = parseName('namespace', name);
    requireRole(actor, namespace, taskReaders);
    const values = readJobFilter(namespace, filter, null);
    const rows = await shard.run<{ status: JobStatus; jobs: number }>(countJobs, [...values, limits.taskCountRows]);
    return toCounts(rows.map(({ status, jobs }) => [status, jobs]));
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

function toCounts<Status extends string>(rows: readonly (readonly [Status, number])[]): StatusCounts<Status> {
  const all = rows.reduce((sum, [, count]) => sum + count, 0);
  return { counts: new Map(rows), isComplete: all < limits.taskCountRows };
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
