import type { Findings } from '../findings.ts';
import type { History, Told } from '../history.ts';
import type { Ledger, LedgerEvent } from '../ledger.ts';
import type { CaseTrail, LeaseSpan } from './check-leases.ts';

/** Answers that say for certain that this key decided nothing. */
const refusals: ReadonlySet<string> = new Set(['LeaseLost', 'AlreadyDecided', 'IdempotencyConflict']);
/** How long a lease may seem longer to its holder than it is, for clocks that do not run at the same pace. */
const paceSlackMs = 20;

/**
 * Compares what clients were told with the record. What was answered `ok` must be there; what was answered `fail` must
 * not; `unknown` may be either.
 */
export function checkAnswers(
  history: History,
  ledger: Ledger,
  trails: ReadonlyMap<string, CaseTrail>,
  findings: Findings,
): void {
  const answers = new AnswerChecker(trails, findings);
  const rowsByReference = Map.groupBy(ledger.cases, (row) => `${row.registrant} ${row.reference}`);
  checkRegistrations(history, rowsByReference, new Set(ledger.cases.map((row) => row.caseId)), findings);
  for (const told of history.told) {
    if (told.verb === 'claim' && told.lease !== null) answers.checkClaim(told);
    else if (told.verb !== 'claim' && told.verb !== 'register' && told.outcome === 'ok') answers.checkDone(told);
  }
  const decisions = history.told.filter((told) => told.verb === 'decide');
  for (const attempts of Map.groupBy(decisions, (told) => `${told.client} ${told.key}`).values()) {
    answers.checkRefusals(attempts);
  }
  checkBrokenLeases(history.told, findings);
}

function checkRegistrations(
  history: History,
  rows: ReadonlyMap<string, readonly { readonly caseId: string }[]>,
  known: ReadonlySet<string>,
  findings: Findings,
): void {
  const registrations = history.told.filter((told) => told.verb === 'register');
  for (const [key, attempts] of Map.groupBy(registrations, (told) => `${told.client} ${told.key}`)) {
    for (const told of attempts) {
      if (told.outcome === 'ok' && (told.caseId === null || !known.has(told.caseId))) {
        findings.add('lost', told.caseId, `${key} was acknowledged and is not in the record`);
      }
    }
    if (attempts.every((told) => told.outcome === 'fail') && rows.has(key)) {
      findings.add(
        'answer contradicts the record',
        rows.get(key)![0]!.caseId,
        `${key} was refused with ${attempts[0]!.answer}, but the case is there`,
      );
    }
  }
}

class AnswerChecker {
  readonly #trails: ReadonlyMap<string, CaseTrail>;
  readonly #findings: Findings;

  constructor(trails: ReadonlyMap<string, CaseTrail>, findings: Findings) {
    this.#trails = trails;
    this.#findings = findings;
  }

  checkClaim(told: Told): void {
    if (this.#spanOf(told) !== undefined) return;
    this.#contradict(told, 'the ledger has no such lease');
  }

  checkDone(told: Told): void {
    const done = this.#isInLedger(told);
    if (done === undefined) this.#contradict(told, 'the ledger has no lease of theirs');
    else if (!done) this.#contradict(told, 'the ledger has no such step');
  }

  /** The requests of one key. Once its decision is in the record, the key is answered with that decision. */
  checkRefusals(attempts: readonly Told[]): void {
    const never = attempts.every((told) => told.outcome === 'fail') ? attempts[0] : undefined;
    const refusal = attempts.find((told) => refusals.has(told.answer)) ?? never;
    if (refusal !== undefined && this.#isInLedger(refusal) === true)
      this.#contradict(refusal, 'the ledger has the decision');
  }

  /** Undefined when the ledger does not know the lease. */
  #isInLedger(told: Told): boolean | undefined {
    const span = this.#spanOf(told);
    if (span === undefined) return undefined;
    return this.#trails.get(told.caseId ?? '')?.events.some((event) => isDoneBy(event, told, span)) ?? false;
  }

  #spanOf(told: Told): LeaseSpan | undefined {
    const spans = this.#trails.get(told.caseId ?? '')?.spans ?? [];
    return spans.find(
      (span) => span.holder === told.client && Math.floor(span.fromMicros / 1_000) === told.lease?.acquiredAtMs,
    );
  }

  #contradict(told: Told, why: string): void {
    this.#findings.add(
      'answer contradicts the record',
      told.caseId,
      `${told.client} was told ${told.answer} to ${told.verb}, but ${why}`,
    );
  }
}

function isDoneBy(event: LedgerEvent, told: Told, span: LeaseSpan): boolean {
  if (event.actor !== told.client || event.attempt !== span.attempt) return false;
  switch (told.verb) {
    case 'decide':
      return event.type === (told.verdict === 'APPROVE' ? 'APPROVED' : 'REJECTED');
    case 'release':
      return event.type === 'RELEASED';
    case 'extend':
      return event.type === 'LEASE_EXTENDED';
    default:
      return false;
  }
}

/** Nobody is told `LeaseLost` within the time that was granted, counted on the holder's own clock from before it asked. */
function checkBrokenLeases(all: readonly Told[], findings: Findings): void {
  const aliveUntil = new Map<string, number>();
  for (const told of [...all].sort((a, b) => a.endedMs - b.endedMs)) {
    if (told.lease === null || told.caseId === null) continue;
    const lease = `${told.client} ${told.caseId} ${told.lease.acquiredAtMs}`;
    if ((told.verb === 'claim' || told.verb === 'extend') && told.outcome === 'ok') {
      aliveUntil.set(lease, told.startedMs + told.lease.expiresAtMs - told.lease.serverTimeMs);
    } else if (told.outcome === 'unknown' || told.verb === 'release' || told.verb === 'decide') {
      // An unknown request may have ended or shortened it; a release or a decision was meant to.
      if (told.answer === 'LeaseLost' && told.endedMs < (aliveUntil.get(lease) ?? 0) - paceSlackMs) {
        const left = Math.round(aliveUntil.get(lease)! - told.endedMs);
        findings.add(
          'lease ended early',
          told.caseId,
          `${told.client} was told LeaseLost ${left} ms before the end it was granted`,
        );
      }
      aliveUntil.delete(lease);
    } else if (told.answer === 'LeaseLost' && told.endedMs < (aliveUntil.get(lease) ?? 0) - paceSlackMs) {
      findings.add('lease ended early', told.caseId, `${told.client} could not extend a lease that was alive`);
    }
  }
}
