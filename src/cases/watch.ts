import type { Actor } from '../domain/actor.ts';
import { hasAnyRole, requireRole } from '../domain/actor.ts';
import { notFound } from '../domain/errors.ts';
import { decodeCursor } from '../domain/event.ts';
import { parseId, shardOf } from '../domain/ids.ts';
import { parseName } from '../domain/names.ts';
import type { Happening } from '../events/item-updates.ts';
import type { WatchSource } from '../events/watch-items.ts';
import { watchItems } from '../events/watch-items.ts';
import type { HeldCase } from './case-rows.ts';
import type { CaseWatchFilter } from './case-updates.ts';
import type { CaseStore } from './store.ts';

export interface WatchCasesArguments {
  readonly namespace: string;
  readonly topic?: string | null;
  readonly caseId?: string | null;
  readonly after?: string | null;
}

export interface CaseUpdate {
  readonly cursor: string;
  readonly at: string;
  /** An event's type, or RESYNC: the watcher was too slow, and goes on from this cursor by subscribing again. */
  readonly type: string;
  readonly held: HeldCase | null;
  /** Who did it; null for those who may not know. */
  readonly actor: string | null;
}

export interface WatchCasesDependencies {
  /** One a shard. */
  readonly sources: readonly WatchSource<HeldCase, CaseWatchFilter>[];
  readonly store: Pick<CaseStore, 'get'>;
  readonly now: () => number;
}

/**
 * Watches cases that the actor may see: first what was missed since a cursor, then live, without a gap or a double.
 * Ends with a RESYNC update when the watcher is too slow, and with Fault `UNAUTHENTICATED` when its token ends.
 * @returns a function that throws Fault `FORBIDDEN`, `NOT_FOUND`, `BAD_USER_INPUT` or `UNAVAILABLE`
 */
export function createWatchCases(
  dependencies: WatchCasesDependencies,
): (actor: Actor | undefined, input: WatchCasesArguments) => Promise<AsyncIterableIterator<CaseUpdate>> {
  const { sources, store } = dependencies;
  return async (maybeActor, input) => {
    const namespace = parseName('namespace', input.namespace);
    const actor = requireRole(maybeActor, namespace, ['applicant', 'auditor', 'supervisor', 'operator']);
    const topic = input.topic === null || input.topic === undefined ? null : parseName('topic', input.topic);
    const caseId = input.caseId === null || input.caseId === undefined ? null : parseId('caseId', input.caseId);
    const shards = sources.map(({ shard }) => shard);
    const after = input.after == null ? undefined : decodeCursor('after', input.after, shards);
    const seesAll = hasAnyRole(actor, ['auditor', 'supervisor', 'operator']);
    if (caseId !== null) {
      const found = await store.get(caseId);
      if (found.case.namespace !== namespace || (!seesAll && found.case.registrant !== actor.subject))
        throw notFound('Case');
    }
    return watchItems<HeldCase, CaseWatchFilter, CaseUpdate>({
      sources: caseId === null ? sources : sources.filter(({ shard }) => shard === shardOf(caseId)),
      filter: { namespace, topic, caseId },
      actor,
      after,
      wants: ({ event }) => topic === null || event.topic === topic,
      show: (happening, cursor) =>
        seesAll || happening.subject.case.registrant === actor.subject
          ? toUpdate(cursor, happening, seesAll)
          : undefined,
      resync: (cursor) => resync(cursor, dependencies.now()),
      now: dependencies.now,
    });
  };
}

function toUpdate(cursor: string, { event, subject }: Happening<HeldCase>, seesAll: boolean): CaseUpdate {
  return {
    cursor,
    at: event.at,
    type: event.type,
    held: subject,
    // An applicant learns that somebody works on its case, never who.
    actor: seesAll || event.type === 'REGISTERED' ? event.actor : null,
  };
}

function resync(cursor: string, now: number): CaseUpdate {
  return {
    cursor,
    at: new Date(now).toISOString(),
    type: 'RESYNC',
    held: null,
    actor: null,
  };
}
