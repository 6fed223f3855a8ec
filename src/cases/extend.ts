import type { Actor } from '../domain/actor.ts';
import { requireRole } from '../domain/actor.ts';
import { parseId } from '../domain/ids.ts';
import type { Lease } from '../domain/lease.ts';
import { parseLeaseToken } from '../domain/lease-token.ts';
import { limits } from '../domain/limits.ts';
import { parseWhole } from '../domain/names.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement, toDate } from '../postgres/sql.ts';
import type { Announcer } from '../queue/announcements.ts';
import { createBatcher } from '../queue/batcher.ts';
import { findForAuditor } from './claim-case.ts';
import type { LostLease } from './lost-lease.ts';
import { explainLostLease } from './lost-lease.ts';
import type { CaseStore } from './store.ts';

const extendLeases = loadStatement('extend-leases');

export interface ExtendLeaseInput {
  readonly caseId: string;
  readonly leaseToken: string;
  /** Counted from now. */
  readonly seconds: number;
}

export type ExtendLeaseResult =
  | { readonly kind: 'extended'; readonly lease: Lease }
  | { readonly kind: 'limit'; readonly latestEnd: Date }
  | ({ readonly kind: 'lost' } & LostLease);

interface Entry {
  readonly id: string;
  readonly token: string;
  readonly holder: string;
  readonly namespace: string;
  readonly seconds: number;
}

interface Row {
  readonly n: number;
  readonly outcome: 'extended' | 'limit' | 'refused';
  readonly acquired_at: string | null;
  readonly expires_at: string | null;
  readonly server_time: string | null;
  readonly ticket: string | null;
  readonly latest_end: string | null;
}

export interface ExtendLeaseDependencies {
  readonly shard: Shard;
  readonly store: CaseStore;
  readonly announcer: Announcer;
}

/**
 * Moves the end of a living lease to so many seconds from now; a lease lasts twelve hours in all at the most.
 * @returns a function that throws Fault `NOT_FOUND`, `FORBIDDEN`, `BAD_USER_INPUT`, `BACKPRESSURE` or `UNAVAILABLE`
 */
export function createExtendLease(
  dependencies: ExtendLeaseDependencies,
): (actor: Actor | undefined, input: ExtendLeaseInput) => Promise<ExtendLeaseResult> {
  const { shard, store, announcer } = dependencies;
  const commit = createBatcher<Entry, Row>({
    run: (entries) => commitEntries(shard, announcer, entries),
    apart: (entry) => entry.id,
  });
  return async (maybeActor, input) => {
    const id = parseId('input.caseId', input.caseId);
    const token = parseLeaseToken('input.leaseToken', input.leaseToken);
    const seconds = parseWhole('input.seconds', input.seconds, limits.leaseSecondsMin, limits.leaseSecondsMax);
    const actor = requireRole(maybeActor, maybeActor?.namespace ?? '', ['auditor', 'supervisor']);
    const row = await commit({ id, token, holder: actor.subject, namespace: actor.namespace, seconds });
    if (row.outcome === 'extended') {
      const lease: Lease = {
        itemId: id,
        token,
        holder: actor.subject,
        acquiredAt: toDate(row.acquired_at!),
        expiresAt: toDate(row.expires_at!),
        serverTime: toDate(row.server_time!),
      };
      return { kind: 'extended', lease };
    }
    if (row.outcome === 'limit') return { kind: 'limit', latestEnd: toDate(row.latest_end!) };
    await findForAuditor(store, actor, id);
    return { kind: 'lost', ...(await explainLostLease(shard, actor.namespace, id)) };
  };
}

async function commitEntries(shard: Shard, announcer: Announcer, entries: readonly Entry[]): Promise<Row[]> {
  const rows = await shard.run<Row>(extendLeases, [
    entries.map((entry) => entry.id),
    entries.map((entry) => entry.token),
    entries.map((entry) => entry.holder),
    entries.map((entry) => entry.namespace),
    entries.map((entry) => entry.seconds),
    limits.leaseTotalSeconds,
  ]);
  const answers = new Array<Row>(entries.length);
  for (const row of rows) {
    answers[row.n - 1] = row;
    // The ticket's timer follows the row. A progress ack would set it back to the consumer's short ack-wait.
    if (row.outcome === 'extended' && row.ticket !== null)
      announcer.giveBackAfter(row.ticket, entries[row.n - 1]!.seconds * 1_000);
  }
  if (rows.some((row) => row.outcome === 'extended')) announcer.eventsWritten();
  return answers;
}
