import type { TaskFilter, TaskStatus } from '../graphql/documents.ts';

export const taskStatuses: readonly TaskStatus[] = [
  'FAILED',
  'RETRYABLE',
  'RUNNING',
  'AVAILABLE',
  'SCHEDULED',
  'SUCCEEDED',
  'CANCELLED',
];

/** How far back a list goes, by what stands in the address. */
export const periods: readonly (readonly [string, string, number])[] = [
  ['hour', 'last hour', 3_600],
  ['day', 'last day', 86_400],
  ['week', 'last week', 604_800],
];

type Values = Readonly<Record<string, string | undefined>>;

export function readStatuses(values: Values): readonly TaskStatus[] {
  const wanted = (values.status ?? '').split(',');
  return taskStatuses.filter((status) => wanted.includes(status));
}

/** The filter that an address stands for. @param now milliseconds; whole minutes count, so that the filter stays the same */
export function readTaskFilter(values: Values, now: number): TaskFilter {
  const statuses = readStatuses(values);
  return { ...readCommonFilter(values, now), status: statuses.length === 0 ? null : statuses };
}

/** Everything but the status, for the counts of each status. */
export function readCommonFilter(values: Values, now: number): TaskFilter {
  const seconds = periods.find(([name]) => name === values.period)?.[2];
  const minute = Math.floor(now / 60_000) * 60_000;
  return {
    kind: values.kind === undefined ? null : [values.kind],
    error: values.error ?? null,
    externalId: values.about ?? null,
    jobId: values.job ?? null,
    createdAfter: seconds === undefined ? null : new Date(minute - seconds * 1_000).toISOString(),
  };
}
