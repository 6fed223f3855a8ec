/** A case: what an applicant registered and an auditor decides. */
export interface CaseRecord {
  readonly id: string;
  readonly namespace: string;
  readonly topicId: number;
  readonly registrant: string;
  readonly applicant: Applicant;
  readonly priority: number;
  readonly region: string | null;
  readonly registeredAt: Date;
  readonly decision: Decision | null;
}

export interface Applicant {
  readonly name: string;
  readonly email: string;
  readonly details: Readonly<Record<string, unknown>> | null;
}

export const verdicts = ['APPROVE', 'REJECT'] as const;
export type Verdict = (typeof verdicts)[number];

export interface Decision {
  readonly verdict: Verdict;
  readonly reason: string | null;
  readonly decidedBy: string;
  readonly decidedAt: Date;
}

/**
 * A case waits (PENDING), is held by one auditor (CLAIMED), and ends APPROVED or REJECTED. Only registration, claim,
 * release, the end of a lease and decision move it; see docs/architecture.md for the drawing.
 */
export const caseStatuses = ['PENDING', 'CLAIMED', 'APPROVED', 'REJECTED'] as const;
export type CaseStatus = (typeof caseStatuses)[number];

/** A case's status follows from its decision and from whether a lease on it is alive. */
export function caseStatus(decision: Decision | null, held: boolean): CaseStatus {
  if (decision !== null) return decision.verdict === 'APPROVE' ? 'APPROVED' : 'REJECTED';
  return held ? 'CLAIMED' : 'PENDING';
}

export const caseEventTypes = [
  'REGISTERED',
  'CLAIMED',
  'LEASE_EXTENDED',
  'LEASE_EXPIRED',
  'RELEASED',
  'APPROVED',
  'REJECTED',
] as const;
export type CaseEventType = (typeof caseEventTypes)[number];
