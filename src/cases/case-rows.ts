import type { CaseRecord, Decision, Verdict } from '../domain/case.ts';
import type { Lease } from '../domain/lease.ts';
import { toDate } from '../postgres/sql.ts';

/** The columns of `cases` that every statement about cases returns. */
export interface CaseColumns {
  readonly namespace: string;
  readonly topic_id: number;
  readonly registrant: string;
  readonly applicant_name: string;
  readonly applicant_email: string;
  readonly applicant_details: Record<string, unknown> | null;
  readonly priority: number;
  readonly region: string | null;
  readonly registered_at: string;
}

export interface DecisionColumns {
  readonly verdict: Verdict | null;
  readonly decision_reason: string | null;
  readonly decided_by: string | null;
  readonly decided_at: string | null;
}

export interface LeaseColumns {
  readonly lease_token: string | null;
  readonly lease_holder: string | null;
  readonly lease_acquired_at: string | null;
  readonly lease_expires_at: string | null;
  readonly server_time: string;
}

/** A case with the living lease on it, as it was at one moment. */
export interface HeldCase {
  readonly case: CaseRecord;
  readonly lease: Lease | null;
}

export function toCase(id: string, row: CaseColumns, decision: Decision | null): CaseRecord {
  return {
    id,
    namespace: row.namespace,
    topicId: row.topic_id,
    registrant: row.registrant,
    applicant: { name: row.applicant_name, email: row.applicant_email, details: row.applicant_details },
    priority: row.priority,
    region: row.region,
    registeredAt: toDate(row.registered_at),
    decision,
  };
}

export function toDecision(row: DecisionColumns): Decision | null {
  if (row.verdict === null || row.decided_by === null || row.decided_at === null) return null;
  return {
    verdict: row.verdict,
    reason: row.decision_reason,
    decidedBy: row.decided_by,
    decidedAt: toDate(row.decided_at),
  };
}

export function toLease(itemId: string, row: LeaseColumns): Lease | null {
  if (
    row.lease_token === null ||
    row.lease_holder === null ||
    row.lease_acquired_at === null ||
    row.lease_expires_at === null
  )
    return null;
  return {
    itemId,
    token: row.lease_token,
    holder: row.lease_holder,
    acquiredAt: toDate(row.lease_acquired_at),
    expiresAt: toDate(row.lease_expires_at),
    serverTime: toDate(row.server_time),
  };
}

export type CaseRow = { readonly id: string } & CaseColumns & DecisionColumns & LeaseColumns;

export function toHeldCase(row: CaseRow): HeldCase {
  return { case: toCase(row.id, row, toDecision(row)), lease: toLease(row.id, row) };
}
