import type { Findings } from '../findings.ts';
import type { History, Told } from '../history.ts';
import type { Ledger } from '../ledger.ts';

/** One idempotency key, one effect, and one decision a case: however often it was asked for, whatever became of answers. */
export function checkKeys(history: History, ledger: Ledger, findings: Findings): void {
  const keyed = history.told.filter((told) => told.key !== null);
  for (const [key, attempts] of Map.groupBy(keyed, (told) => `${told.verb} ${told.client} ${told.key}`)) {
    const answers = new Set(attempts.filter(isOk).map(effectOf));
    if (answers.size > 1)
      findings.add(
        'key had two effects',
        attempts[0]!.caseId,
        `${key} was answered with ${[...answers].join(' and ')}`,
      );
  }
  const decisions = history.told.filter((told) => told.verb === 'decide' && isOk(told));
  for (const [caseId, answers] of Map.groupBy(decisions, (told) => told.caseId)) {
    const deciders = new Set(answers.map((told) => `${told.client} (${told.key})`));
    if (deciders.size > 1) findings.add('decided twice', caseId, `was acknowledged to ${[...deciders].join(' and ')}`);
  }
  const referenced = ledger.cases.filter((row) => row.reference !== null);
  for (const [reference, rows] of Map.groupBy(referenced, (row) => `${row.registrant} ${row.reference}`)) {
    if (rows.length > 1) findings.add('key had two effects', rows[0]!.caseId, `${reference} made ${rows.length} cases`);
  }
}

function isOk(told: Told): boolean {
  return told.outcome === 'ok';
}

function effectOf(told: Told): string {
  return told.verdict === null ? `case ${told.caseId}` : `${told.verdict} on case ${told.caseId}`;
}
