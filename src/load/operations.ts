import type { Verdict } from '../domain/case.ts';
import type { Operation } from './graphql-client.ts';
import type { ToldLease, Verb } from './history.ts';

/** The operations of the load driver, as an outside client would write them, and how their answers are read. */

const problem = '... on Problem { code message retryAfterMs }';
const lease = 'lease { token acquiredAt expiresAt serverTime }';

const register = `mutation Register($input: RegisterInput!) {
  register(input: $input) { __typename ... on CaseRegistered { case { id registeredAt } } ${problem} }
}`;
const claim = `mutation Claim($input: ClaimNextCaseInput!) {
  claimNextCase(input: $input) {
    __typename
    ... on CaseClaimed { case { id } ${lease} }
    ... on ClaimLimitReached { leases { case { id } ${lease} } }
    ${problem}
  }
}`;
const extend = `mutation Extend($input: ExtendLeaseInput!) {
  extendLease(input: $input) { __typename ... on LeaseExtended { ${lease} } ${problem} }
}`;
const release = `mutation Release($input: ReleaseCaseInput!) {
  releaseCase(input: $input) { __typename ... on CaseReleased { case { id } } ${problem} }
}`;
const decide = `mutation Decide($input: DecideInput!) {
  decide(input: $input) {
    __typename
    ... on CaseDecided { case { id status decision { verdict decidedBy decidedAt } } }
    ... on AlreadyDecided { decision { verdict decidedBy } }
    ${problem}
  }
}`;

export interface Registration {
  readonly namespace: string;
  readonly topic: string;
  readonly name: string;
  readonly email: string;
  readonly priority: number;
  readonly idempotencyKey: string;
}

export function registerOperation({
  namespace,
  topic,
  name,
  email,
  priority,
  idempotencyKey,
}: Registration): Operation {
  // The reference tells the checker which request made a case, also one whose answer never came.
  const applicant = { name, email, details: { reference: idempotencyKey } };
  return { query: register, variables: { input: { namespace, topic, applicant, priority, idempotencyKey } } };
}

export function claimOperation(namespace: string, topic: string, waitMs: number, leaseSeconds: number): Operation {
  return { query: claim, variables: { input: { namespace, topics: [topic], waitMs, leaseSeconds } } };
}

export function extendOperation(held: HeldLease, seconds: number): Operation {
  return { query: extend, variables: { input: { caseId: held.caseId, leaseToken: held.token, seconds } } };
}

export function releaseOperation(held: HeldLease, reason: string): Operation {
  return { query: release, variables: { input: { caseId: held.caseId, leaseToken: held.token, reason } } };
}

export function decideOperation(held: HeldLease, verdict: Verdict, idempotencyKey: string): Operation {
  const reason = verdict === 'REJECT' ? 'The documents do not match the register.' : null;
  return {
    query: decide,
    variables: { input: { caseId: held.caseId, leaseToken: held.token, verdict, reason, idempotencyKey } },
  };
}

/** A case that an auditor holds, with what it needs to act on it. */
export interface HeldLease {
  readonly caseId: string;
  readonly token: string;
  readonly lease: ToldLease;
}

/** A result as it came: its type, and what the driver reads of it. */
export interface Result {
  readonly type: string;
  /** The case of a registration or a decision, or that was handed out. */
  readonly caseId: string | null;
  readonly verdict: Verdict | null;
  /** Who decided it, where the result says so. */
  readonly decidedBy: string | null;
  /** Leases that were handed out, extended, or found again. */
  readonly leases: readonly HeldLease[];
  readonly retryAfterMs: number | null;
  /** The answer as it came, to be compared with another one. */
  readonly text: string;
}

interface WireLease {
  readonly token: string | null;
  readonly acquiredAt: string;
  readonly expiresAt: string;
  readonly serverTime: string;
}

interface WireResult {
  readonly __typename: string;
  readonly case?: { readonly id: string; readonly decision?: WireDecision | null };
  readonly lease?: WireLease;
  readonly leases?: readonly { readonly case: { readonly id: string }; readonly lease: WireLease }[];
  readonly decision?: WireDecision;
  readonly retryAfterMs?: number | null;
}

interface WireDecision {
  readonly verdict: Verdict;
  readonly decidedBy: string | null;
}

const fields: Readonly<Record<Verb, string>> = {
  register: 'register',
  claim: 'claimNextCase',
  extend: 'extendLease',
  release: 'releaseCase',
  decide: 'decide',
};

/** Reads the result of an operation's one field. */
export function readResult(verb: Verb, data: Readonly<Record<string, unknown>>): Result {
  const wire = data[fields[verb]] as WireResult;
  const caseId = wire.case?.id ?? null;
  const decision = wire.decision ?? wire.case?.decision ?? null;
  const leases = (wire.leases ?? []).map((held) => readLease(held.case.id, held.lease));
  if (wire.lease !== undefined) leases.push(readLease(caseId ?? '', wire.lease));
  return {
    type: wire.__typename,
    caseId,
    verdict: decision?.verdict ?? null,
    decidedBy: decision?.decidedBy ?? null,
    leases,
    retryAfterMs: wire.retryAfterMs ?? null,
    text: JSON.stringify(wire),
  };
}

function readLease(caseId: string, wire: WireLease): HeldLease {
  return {
    caseId,
    token: wire.token ?? '',
    lease: {
      acquiredAtMs: Date.parse(wire.acquiredAt),
      expiresAtMs: Date.parse(wire.expiresAt),
      serverTimeMs: Date.parse(wire.serverTime),
    },
  };
}
