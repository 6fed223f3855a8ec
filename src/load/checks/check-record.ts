import type { Findings } from '../findings.ts';
import type { Ledger } from '../ledger.ts';
import type { CaseTrail } from './check-leases.ts';

/** The tables must tell the same as the ledger: an item for each open case, a decision for each decided one. */
export function checkRecord(ledger: Ledger, trails: ReadonlyMap<string, CaseTrail>, findings: Findings): void {
  const known = new Set<string>();
  for (const row of ledger.cases) {
    known.add(row.caseId);
    const trail = trails.get(row.caseId);
    const contradict = (detail: string): void => findings.add('record contradicts itself', row.caseId, detail);
    if (trail === undefined) {
      contradict('is in the record without a single event');
      continue;
    }
    if (row.verdict === null && row.itemState === null) {
      findings.add('lost', row.caseId, 'is neither decided nor open');
    }
    if (row.verdict !== null && row.itemState !== null) contradict('is decided and still open');
    const decided = trail.decision === undefined ? null : trail.decision.type === 'APPROVED' ? 'APPROVE' : 'REJECT';
    if (decided !== row.verdict)
      contradict(`its events say ${decided ?? 'undecided'}, its row says ${row.verdict ?? 'undecided'}`);
    else if (trail.decision !== undefined && trail.decision.actor !== row.decidedBy) {
      contradict(`its events say decided by ${trail.decision.actor}, its row says ${row.decidedBy}`);
    }
    const attempt = trail.spans.at(-1)?.attempt ?? 0;
    if (row.itemAttempt !== null && row.itemAttempt !== attempt)
      contradict(`its events count ${attempt} attempts, its row ${row.itemAttempt}`);
  }
  for (const caseId of trails.keys()) {
    if (!known.has(caseId)) findings.add('lost', caseId, 'has events, but its case is gone');
  }
}
