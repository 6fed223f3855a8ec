import { Fault } from '../domain/errors.ts';
import { isName } from '../domain/names.ts';
import { loadStatement } from '../postgres/sql.ts';
import type { RoutedShard } from './route-verbs.ts';

const readSchedules = loadStatement('read-task-schedules');

export interface ScheduleName {
  readonly namespace: string;
  readonly name: string;
}

/**
 * The shard where a schedule is, whatever was drained or added since it was made: two of one name would both run.
 * @returns undefined when there is none of that name
 * @throws Fault `UNAVAILABLE` when none is found and a shard is away, which may have it
 */
export async function findSchedule(
  shards: readonly RoutedShard[],
  { namespace, name }: ScheduleName,
): Promise<RoutedShard | undefined> {
  // What cannot be a name is refused by whichever shard gets it. With one there is nothing to look for.
  if (shards.length === 1 || !isName(namespace) || !isName(name)) return undefined;
  const ends = await Promise.allSettled(
    shards.map(({ engine }) => engine.shard.run(readSchedules, [namespace, name, null, 1])),
  );
  const place = ends.findIndex((end) => end.status === 'fulfilled' && end.value.length > 0);
  if (place >= 0) return shards[place];
  const failures: unknown[] = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []));
  if (failures.length > 0) throw failures.find((reason) => !isOutage(reason)) ?? failures[0];
  return undefined;
}

function isOutage(reason: unknown): boolean {
  return reason instanceof Fault && reason.code === 'UNAVAILABLE';
}
