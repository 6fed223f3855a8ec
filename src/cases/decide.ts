import { crashPoint } from '../crash-point.ts';
import type { Actor } from '../domain/actor.ts';
import { requireRole } from '../domain/actor.ts';
import type { Decision, Verdict } from '../domain/case.ts';
import { badInput } from '../domain/errors.ts';
import { parseId } from '../domain/ids.ts';
import { parseLeaseToken } from '../domain/lease-token.ts';
import { limits } from '../domain/limits.ts';
import { parseIdempotencyKey, parseText } from '../domain/names.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement, loadStatementWith, toDate } from '../postgres/sql.ts';
import type { Announcer } from '../queue/announcements.ts';
import { createBatcher } from '../queue/batcher.ts';
import type { CaseColumns, HeldCase } from './case-rows.ts';
import { toCase } from './case-rows.ts';
import type { CaseTaskPlanner, NewCaseJob } from './case-tasks.ts';
import { announceTasks, jobColumns } from './case-tasks.ts';
import { findForAuditor } from './claim-case.ts';
import type { LostLease } from './lost-lease.ts';
import { explainLostLease } from './lost-lease.ts';
import type { CaseStore } from './store.ts';
import { hashRequest } from './store.ts';

const decideCases = loadStatement('decide-cases');
const decideWithTasks = loadStatementWith('decide-cases', 'decide-tasks');

export interface DecideInput {
  readonly caseId: string;
  readonly leaseToken: string;
  readonly verdict: Verdict;
  readonly reason?: string | null;
  readonly idempotencyKey?: string | null;
}

export type DecideResult =
  | { readonly kind: 'decided'; readonly held: HeldCase }
  | ({ readonly kind: 'lost' } & LostLease)
  | { readonly kind: 'alreadyDecided'; readonly decision: Decision }
  | { readonly kind: 'idempotencyConflict' };

interface Entry {
  readonly id: string;
  readonly token: string;
  readonly holder: string;
  readonly namespace: string;
  readonly verdict: Verdict;
  readonly reason: string | null;
  readonly idempotencyKey: string | null;
  readonly requestHash: string | null;
  readonly job: NewCaseJob | undefined;
}

type Row = {
  readonly n: number;
  readonly outcome: 'decided' | 'refused';
  readonly ticket: string | null;
  readonly decided_at: string;
} & CaseColumns;

export interface DecideDependencies {
  readonly shard: Shard;
  readonly store: CaseStore;
  readonly announcer: Announcer;
  readonly caseTasks: CaseTaskPlanner;
  readonly observeBatch?: (rows: number, milliseconds: number) => void;
}

/**
 * Decides a case under a living lease. A decision with a dead token changes nothing and says who holds the case now.
 * A rejection needs a reason. The tasks that follow are committed with it.
 * @returns a function that throws Fault `NOT_FOUND`, `FORBIDDEN`, `BAD_USER_INPUT`, `BACKPRESSURE` or `UNAVAILABLE`
 */
export function createDecide(
  dependencies: DecideDependencies,
): (actor: Actor | undefined, input: DecideInput) => Promise<DecideResult> {
  const { shard, store, announcer, caseTasks } = dependencies;
  const commit = createBatcher<Entry, Row>({
    run: (entries) => commitEntries(shard, announcer, entries),
    apart: (entry) => entry.id,
    ...(dependencies.observeBatch === undefined ? {} : { observe: dependencies.observeBatch }),
  });
  return async (maybeActor, input) => {
    const id = parseId('input.caseId', input.caseId);
    const token = parseLeaseToken('input.leaseToken', input.leaseToken);
    const actor = requireRole(maybeActor, maybeActor?.namespace ?? '', ['auditor', 'supervisor']);
    const reason = parseReason(input.verdict, input.reason);
    const idempotencyKey = parseIdempotencyKey('input.idempotencyKey', input.idempotencyKey);
    const requestHash = idempotencyKey === null ? null : hashRequest([id, input.verdict, reason]);
    const job = await caseTasks.plan('DECIDED', shard.number, actor.namespace, { caseId: id, documentIds: [] });
    // The row must be of the actor's own namespace; the statement compares it, so no look-up is needed before.
    const entry: Entry = {
      id,
      token,
      holder: actor.subject,
      namespace: actor.namespace,
      verdict: input.verdict,
      reason,
      idempotencyKey,
      requestHash,
      job,
    };
    const row = await commit(entry);
    if (row.outcome === 'decided') {
      const decision: Decision = {
        verdict: entry.verdict,
        reason,
        decidedBy: actor.subject,
        decidedAt: toDate(row.decided_at),
      };
      return { kind: 'decided', held: { case: toCase(id, row, decision), lease: null } };
    }
    return explainRefusal(shard, store, actor, entry);
  };
}

async function commitEntries(shard: Shard, announcer: Announcer, entries: readonly Entry[]): Promise<Row[]> {
  const jobs = jobColumns(entries.map((entry) => entry.job));
  const rows = await shard.run<Row>(jobs.length === 0 ? decideCases : decideWithTasks, [
    entries.map((entry) => entry.id),
    entries.map((entry) => entry.token),
    entries.map((entry) => entry.holder),
    entries.map((entry) => entry.namespace),
    entries.map((entry) => entry.verdict),
    entries.map((entry) => entry.reason),
    entries.map((entry) => entry.idempotencyKey),
    entries.map((entry) => entry.requestHash),
    ...jobs,
  ]);
  const answers = new Array<Row>(entries.length);
  const decided: { readonly job: NewCaseJob | undefined; readonly priority: number; readonly at: string }[] = [];
  for (const row of rows) {
    answers[row.n - 1] = row;
    if (row.outcome !== 'decided') continue;
    decided.push({ job: entries[row.n - 1]!.job, priority: row.priority, at: row.decided_at });
    crashPoint('decide_after_commit');
    // Acked last: a crash before this leaves a ticket without an item, which the next claimer acks away.
    if (row.ticket !== null) announcer.acknowledge(row.ticket);
  }
  if (decided.length === 0) return answers;
  announceTasks(announcer, decided);
  announcer.eventsWritten();
  return answers;
}

async function explainRefusal(shard: Shard, store: CaseStore, actor: Actor, entry: Entry): Promise<DecideResult> {
  const found = await findForAuditor(store, actor, entry.id);
  if (entry.idempotencyKey !== null) {
    const earlier = await store.idempotentResult(entry.namespace, entry.holder, 'decide', entry.idempotencyKey);
    if (earlier !== undefined) {
      if (earlier.requestHash !== entry.requestHash) return { kind: 'idempotencyConflict' };
      return { kind: 'decided', held: found };
    }
  }
  if (found.case.decision !== null) return { kind: 'alreadyDecided', decision: found.case.decision };
  return { kind: 'lost', ...(await explainLostLease(shard, entry.namespace, entry.id)) };
}

function parseReason(verdict: Verdict, reason: string | null | undefined): string | null {
  if (reason === null || reason === undefined || reason.trim() === '') {
    if (verdict === 'REJECT') throw badInput('input.reason', 'is needed for a rejection');
    return null;
  }
  return parseText('input.reason', reason, { charactersMax: limits.reasonCharacters, lines: true });
}
