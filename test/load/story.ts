import type { Verdict } from '../../src/domain/case.ts';
import { checkHistory } from '../../src/load/check-history.ts';
import type { ViolationKind } from '../../src/load/findings.ts';
import type { Disturbance, Outcome, Seen, Told, ToldLease, Verb } from '../../src/load/history.ts';
import type { LedgerCase, LedgerEvent } from '../../src/load/ledger.ts';

const caseId = 'case-1';
const key = 'register-1';

/** A made-up run with one case, told event by event. All times are milliseconds since the run began. */
export class Story {
  readonly told: Told[] = [];
  readonly seen: Seen[] = [];
  readonly events: LedgerEvent[] = [];
  readonly disturbances: Disturbance[] = [];
  readonly watchers: string[] = [];
  row: LedgerCase | undefined = {
    caseId,
    reference: key,
    registrant: 'applicant',
    verdict: null,
    decidedBy: null,
    itemState: 'ready',
    itemAttempt: 0,
  };
  readonly moreRows: LedgerCase[] = [];
  readAt = 100_000;

  event(
    at: number,
    type: string,
    actor: string,
    attempt: number | null = null,
    leaseUntil: number | null = null,
  ): this {
    const sequence = this.events.length + 1;
    const leaseExpiresAtMicros = leaseUntil === null ? null : leaseUntil * 1_000;
    this.events.push({
      position: sequence,
      sequence,
      caseId,
      type,
      actor,
      atMicros: at * 1_000,
      attempt,
      leaseExpiresAtMicros,
    });
    return this;
  }

  /** What a client is told of a request that took ten milliseconds. */
  tell(at: number, client: string, verb: Verb, outcome: Outcome, answer: string, details: Partial<Told> = {}): this {
    this.told.push({
      client,
      verb,
      outcome,
      answer,
      startedMs: at - 5,
      endedMs: at + 5,
      key: null,
      caseId,
      lease: null,
      verdict: null,
      ...details,
    });
    return this;
  }

  registered(at: number): this {
    return this.event(at, 'REGISTERED', 'applicant').tell(at, 'applicant', 'register', 'ok', 'CaseRegistered', { key });
  }

  claimed(at: number, holder: string, attempt: number, until: number): this {
    this.item('leased', attempt);
    const lease = leaseOf(at, until);
    return this.event(at, 'CLAIMED', holder, attempt, until).tell(at, holder, 'claim', 'ok', 'CaseClaimed', { lease });
  }

  decided(at: number, holder: string, attempt: number, lease: ToldLease, verdict: Verdict = 'APPROVE'): this {
    this.decision(verdict, holder);
    const details = { key: `decide-${holder}`, lease, verdict };
    return this.event(at, verdict === 'APPROVE' ? 'APPROVED' : 'REJECTED', holder, attempt).tell(
      at,
      holder,
      'decide',
      'ok',
      'CaseDecided',
      details,
    );
  }

  item(itemState: LedgerCase['itemState'], itemAttempt: number): this {
    this.row = { ...this.row!, itemState, itemAttempt };
    return this;
  }

  decision(verdict: Verdict, decidedBy: string): this {
    this.row = { ...this.row!, verdict, decidedBy, itemState: null, itemAttempt: null };
    return this;
  }

  watched(...sequences: number[]): this {
    this.watchers.push('watcher');
    for (const sequence of sequences)
      this.seen.push({ watcher: 'watcher', position: sequence, sequence, caseId, type: '' });
    return this;
  }

  /** The kinds of what the checker finds. */
  judge(): readonly ViolationKind[] {
    const { told, seen, events, disturbances, watchers } = this;
    const cases = this.row === undefined ? [] : [this.row, ...this.moreRows];
    const ledger = { readAtMicros: this.readAt * 1_000, events: structuredClone(events), cases };
    return checkHistory({ told, seen, disturbances, watchers }, ledger).kinds;
  }
}

export function leaseOf(acquiredAtMs: number, expiresAtMs: number): ToldLease {
  return { acquiredAtMs, expiresAtMs, serverTimeMs: acquiredAtMs };
}
