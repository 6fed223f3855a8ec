import type { Actor } from '../domain/actor.ts';
import { requireRole } from '../domain/actor.ts';
import { parseId } from '../domain/ids.ts';
import { parseLeaseToken } from '../domain/lease-token.ts';
import { limits } from '../domain/limits.ts';
import { parseText } from '../domain/names.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement } from '../postgres/sql.ts';
import type { Announcer, ReadyItem } from '../queue/announcements.ts';
import { announceReady } from '../queue/announcements.ts';
import { createBatcher } from '../queue/batcher.ts';
import type { Topics } from '../queue/topics.ts';
import type { HeldCase } from './case-rows.ts';
import { findForAuditor } from './claim-case.ts';
import type { LostLease } from './lost-lease.ts';
import { explainLostLease } from './lost-lease.ts';
import type { CaseStore } from './store.ts';

const releaseItems = loadStatement('release-items');

export interface ReleaseCaseInput {
  readonly caseId: string;
  readonly leaseToken: string;
  readonly reason?: string | null;
}

export type ReleaseCaseResult =
  | { readonly kind: 'released'; readonly held: HeldCase }
  | ({ readonly kind: 'lost' } & LostLease);

interface Entry {
  readonly id: string;
  readonly token: string;
  readonly holder: string;
  readonly namespace: string;
  readonly reason: string | null;
}

interface Row {
  readonly n: number;
  readonly outcome: 'released' | 'refused';
  readonly topic_id: number;
  readonly priority: number;
  readonly deliver_after: string;
  readonly ticket: string | null;
}

export interface ReleaseCaseDependencies {
  readonly shard: Shard;
  readonly topics: Topics;
  readonly store: CaseStore;
  readonly announcer: Announcer;
}

/**
 * Gives a case back before its lease ends. It is offered to others at once, and not to this auditor again.
 * @returns a function that throws Fault `NOT_FOUND`, `FORBIDDEN`, `BAD_USER_INPUT`, `BACKPRESSURE` or `UNAVAILABLE`
 */
export function createReleaseCase(
  dependencies: ReleaseCaseDependencies,
): (actor: Actor | undefined, input: ReleaseCaseInput) => Promise<ReleaseCaseResult> {
  const { shard, store } = dependencies;
  const commit = createBatcher<Entry, Row>({
    run: (entries) => commitEntries(dependencies, entries),
    apart: (entry) => entry.id,
  });
  return async (maybeActor, input) => {
    const id = parseId('input.caseId', input.caseId);
    const token = parseLeaseToken('input.leaseToken', input.leaseToken);
    const actor = requireRole(maybeActor, maybeActor?.namespace ?? '', ['auditor', 'supervisor']);
    const reason =
      input.reason === null || input.reason === undefined || input.reason.trim() === ''
        ? null
        : parseText('input.reason', input.reason, { charactersMax: limits.reasonCharacters, lines: true });
    const row = await commit({ id, token, holder: actor.subject, namespace: actor.namespace, reason });
    const found = await findForAuditor(store, actor, id);
    if (row.outcome === 'released') return { kind: 'released', held: found };
    return { kind: 'lost', ...(await explainLostLease(shard, actor.namespace, id)) };
  };
}

async function commitEntries(dependencies: ReleaseCaseDependencies, entries: readonly Entry[]): Promise<Row[]> {
  const { shard, topics, announcer } = dependencies;
  const rows = await shard.run<Row>(releaseItems, [
    entries.map((entry) => entry.id),
    entries.map((entry) => entry.token),
    entries.map((entry) => entry.holder),
    entries.map((entry) => entry.namespace),
    entries.map((entry) => entry.reason),
  ]);
  const answers = new Array<Row>(entries.length);
  for (const row of rows) answers[row.n - 1] = row;
  const released = answers.flatMap((row, index) =>
    row.outcome === 'released' ? [{ row, id: entries[index]!.id }] : [],
  );
  if (released.length === 0) return answers;
  await topics.byIds(released.map(({ row }) => row.topic_id));
  const ready: ReadyItem[] = released.map(({ row, id }) => ({
    topic: topics.byId(row.topic_id)!,
    key: { priority: row.priority, deliverAfter: row.deliver_after, id },
  }));
  announceReady(announcer, ready);
  // A lease that was taken without a ticket leaves one in the stream: only what has one gives it back.
  for (const { row } of released) if (row.ticket !== null) announcer.giveBack(row.ticket);
  announcer.eventsWritten();
  return answers;
}
