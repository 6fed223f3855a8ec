import { badInput } from '../domain/errors.ts';
import { idFloor, parseId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { parseName, parseText } from '../domain/names.ts';
import type { JobStatus, TaskStatus } from '../domain/task.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement } from '../postgres/sql.ts';

const readJobsOfExternalId = loadStatement('read-jobs-of-external-id');

interface AgeAndError {
  readonly kind?: readonly string[] | null;
  readonly externalId?: string | null;
  readonly createdAfter?: Date | null;
  readonly createdBefore?: Date | null;
  /** Text that the last error has within it; upper and lower case are the same. */
  readonly error?: string | null;
}

export interface TaskFilter extends AgeAndError {
  readonly status?: readonly TaskStatus[] | null;
  readonly jobId?: string | null;
}

export interface JobFilter extends AgeAndError {
  readonly status?: readonly JobStatus[] | null;
}

/** The values of $1 to $8 of `list-tasks.sql` and `count-tasks.sql`. */
export type TaskFilterValues = readonly unknown[];

/**
 * Reads a filter for tasks.
 * @param below only tasks with ids below this one; null for any
 * @throws Fault `BAD_USER_INPUT` or `UNAVAILABLE`
 */
export async function readTaskFilter(
  shard: Shard,
  namespace: string,
  filter: TaskFilter | null | undefined,
  below: string | null,
  field = 'filter',
): Promise<TaskFilterValues> {
  const { status, jobId, externalId } = filter ?? {};
  const parts = readParts(field, filter ?? {}, below);
  return [
    namespace,
    anyOf(status),
    parts.kinds,
    await findJobIds(shard, namespace, field, jobId, externalId),
    parts.lowestId,
    parts.below,
    parts.error,
    status?.length === 1 && status[0] === 'FAILED' ? 'FAILED' : null,
  ];
}

/** Reads a filter for jobs: the values of $1 to $7 of `list-jobs.sql` and `count-jobs.sql`. */
export function readJobFilter(
  namespace: string,
  filter: JobFilter | null | undefined,
  below: string | null,
): readonly unknown[] {
  const { status, externalId } = filter ?? {};
  const parts = readParts('filter', filter ?? {}, below);
  return [
    namespace,
    anyOf(status),
    parts.kinds,
    parseExternalId('filter.externalId', externalId),
    parts.lowestId,
    parts.below,
    parts.error,
  ];
}

/** Takes the names of kinds; none at all means every kind. */
export function parseKinds(field: string, kinds: readonly string[] | null | undefined): readonly string[] | null {
  if (kinds === null || kinds === undefined || kinds.length === 0) return null;
  if (kinds.length > limits.taskKindsPerFilter) {
    throw badInput(field, `must have at most ${limits.taskKindsPerFilter} entries`);
  }
  return kinds.map((kind, index) => parseName(`${field}.${index}`, kind));
}

function readParts(field: string, filter: AgeAndError, below: string | null) {
  const { kind, createdAfter, createdBefore, error } = filter;
  // Ids carry the moment of their creation, so an age is a range of ids, which the lists' index serves.
  const newest = createdBefore == null ? null : idFloor(createdBefore.getTime());
  return {
    kinds: parseKinds(`${field}.kind`, kind),
    lowestId: createdAfter == null ? null : idFloor(createdAfter.getTime()),
    below: newest === null || (below !== null && below < newest) ? below : newest,
    error: error == null ? null : parseText(`${field}.error`, error, { charactersMax: limits.textCharacters }),
  };
}

async function findJobIds(
  shard: Shard,
  namespace: string,
  field: string,
  jobId: string | null | undefined,
  externalId: string | null | undefined,
): Promise<readonly string[] | null> {
  const wanted = jobId == null ? null : parseId(`${field}.jobId`, jobId);
  const name = parseExternalId(`${field}.externalId`, externalId);
  if (name === null) return wanted === null ? null : [wanted];
  const rows = await shard.run<{ id: string }>(readJobsOfExternalId, [namespace, name, limits.jobsPerExternalId]);
  return rows.map((row) => row.id).filter((id) => wanted === null || id === wanted);
}

function parseExternalId(field: string, externalId: string | null | undefined): string | null {
  return externalId == null ? null : parseText(field, externalId, { charactersMax: limits.textCharacters });
}

function anyOf<Value>(values: readonly Value[] | null | undefined): readonly Value[] | null {
  return values === null || values === undefined || values.length === 0 ? null : values;
}
