import { checkAnswers } from './checks/check-answers.ts';
import { checkKeys } from './checks/check-keys.ts';
import { checkLeases } from './checks/check-leases.ts';
import { checkRecord } from './checks/check-record.ts';
import type { StuckRule } from './checks/check-stuck.ts';
import { checkStuck } from './checks/check-stuck.ts';
import { checkUpdates } from './checks/check-updates.ts';
import { Findings } from './findings.ts';
import type { History } from './history.ts';
import type { Ledger } from './ledger.ts';

/** Five seconds past the end of its lease a case must have been offered again; ten after a server came back. */
export const defaultStuckRule: StuckRule = { freeMsMax: 5_000, recoveryMs: 10_000 };

/**
 * Judges a run: from what clients were told and from the append-only ledger, in the manner of Jepsen's checkers. An
 * unknown outcome counts as one that may have happened, never as a failure. Pure: no I/O, no clock.
 */
export function checkHistory(history: History, ledger: Ledger, rule: StuckRule = defaultStuckRule): Findings {
  const findings = new Findings();
  const trails = checkLeases(ledger, findings);
  checkRecord(ledger, trails, findings);
  checkKeys(history, ledger, findings);
  checkAnswers(history, ledger, trails, findings);
  checkStuck(history, ledger, trails, rule, findings);
  checkUpdates(history, ledger, findings);
  return findings;
}
