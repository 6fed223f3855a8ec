import type { CaseRecord } from '../../domain/case.ts';
import { badInput } from '../../domain/errors.ts';
import { parseId } from '../../domain/ids.ts';
import { FatalTaskError } from '../task-handler.ts';

/** What tasks of cases read. */
export interface CaseReader {
  find(caseId: string): Promise<{ readonly case: CaseRecord } | undefined>;
  documents(caseId: string): Promise<readonly CaseDocumentFacts[]>;
}

export interface CaseDocumentFacts {
  readonly id: string;
  readonly kind: string;
  readonly fileName: string;
  readonly contentType: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

export interface CasePayload {
  readonly caseId: string;
}

/** Takes `{ caseId }`. @throws Fault `BAD_USER_INPUT` */
export function parseCasePayload(field: string, payload: unknown): CasePayload {
  const caseId = (payload as { caseId?: unknown } | null)?.caseId;
  if (typeof caseId !== 'string') throw badInput(`${field}.caseId`, 'must be the id of a case');
  return { caseId: parseId(`${field}.caseId`, caseId) };
}

/** The case of a task. @throws FatalTaskError when the task's namespace has no such case */
export async function findTaskCase(cases: CaseReader, caseId: string, namespace: string): Promise<CaseRecord> {
  const found = await cases.find(caseId);
  if (found === undefined || found.case.namespace !== namespace) throw new FatalTaskError('There is no such case');
  return found.case;
}
