import type { Actor } from '../domain/actor.ts';
import { requireRole } from '../domain/actor.ts';
import { limits } from '../domain/limits.ts';
import { parseName } from '../domain/names.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement, toDate } from '../postgres/sql.ts';

const readCaseTopics = loadStatement('read-case-topics');

/** A topic of cases with how much lies on it; counts end at `limits.itemsCounted`. */
export interface CaseTopic {
  readonly name: string;
  readonly paused: boolean;
  readonly waiting: number;
  readonly held: number;
  /** When the oldest case that waits was registered. */
  readonly oldestWaitingSince: Date | null;
}

/**
 * Lists the topics that cases of a namespace have used, by name.
 * @returns a function that throws Fault `FORBIDDEN`, `BAD_USER_INPUT` or `UNAVAILABLE`
 */
export function createListCaseTopics(
  shard: Shard,
): (actor: Actor | undefined, namespace: string) => Promise<readonly CaseTopic[]> {
  return async (maybeActor, name) => {
    const namespace = parseName('namespace', name);
    requireRole(maybeActor, namespace, ['auditor', 'supervisor', 'operator']);
    const rows = await shard.run<Omit<CaseTopic, 'oldestWaitingSince'> & { oldest_waiting_since: string | null }>(
      readCaseTopics,
      [namespace, limits.itemsCounted],
    );
    return rows.map(({ oldest_waiting_since: since, ...topic }) => ({
      ...topic,
      oldestWaitingSince: since === null ? null : toDate(since),
    }));
  };
}
