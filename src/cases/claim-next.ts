import type { Actor } from '../domain/actor.ts';
import { requireHolder } from '../domain/actor.ts';
import { badInput } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { parseName, parseWhole } from '../domain/names.ts';
import type { Topic } from '../domain/topic.ts';
import { toDate } from '../postgres/sql.ts';
import type { Announcer } from '../queue/announcements.ts';
import type { ClaimRow } from '../queue/claim-desk.ts';
import type { Claims, Emptiness } from '../queue/claims.ts';
import type { Topics } from '../queue/topics.ts';
import type { CaseColumns, HeldCase } from './case-rows.ts';
import { toCase } from './case-rows.ts';
import type { CaseStore } from './store.ts';

export interface ClaimNextCaseInput {
  readonly namespace: string;
  readonly topics: readonly string[];
  readonly waitMs: number;
  readonly leaseSeconds?: number | null;
}

export type ClaimCaseRow = ClaimRow & CaseColumns;

export type ClaimNextCaseResult =
  | { readonly kind: 'claimed'; readonly held: HeldCase }
  | { readonly kind: 'none'; readonly emptiness: Emptiness }
  | { readonly kind: 'limit'; readonly held: readonly HeldCase[] }
  | { readonly kind: 'paused'; readonly topic: string };

export interface ClaimNextCaseDependencies {
  readonly claims: Claims<ClaimCaseRow>;
  readonly topics: Topics;
  readonly store: CaseStore;
  readonly announcer: Announcer;
  readonly casesHeldPerPerson: number;
}

/**
 * Hands the best case of the topics to an auditor, who holds it under a lease. Cases that the auditor registered or
 * held before are never offered. Whoever holds as many cases as allowed gets those back.
 * @returns a function that throws Fault `FORBIDDEN`, `BAD_USER_INPUT`, `BACKPRESSURE` or `UNAVAILABLE`
 */
export function createClaimNextCase(
  dependencies: ClaimNextCaseDependencies,
): (actor: Actor | undefined, input: ClaimNextCaseInput, signal: AbortSignal) => Promise<ClaimNextCaseResult> {
  const { claims, topics, store, announcer, casesHeldPerPerson } = dependencies;
  return async (maybeActor, input, signal) => {
    const namespace = parseName('input.namespace', input.namespace);
    const actor = requireHolder(maybeActor, namespace, ['auditor', 'supervisor']);
    const waitMs = parseWhole('input.waitMs', input.waitMs, 0, limits.waitMilliseconds);
    const leaseSeconds = parseLeaseSeconds(input.leaseSeconds);
    const wanted = await resolveTopics(topics, namespace, input.topics);
    const request = { holder: actor.subject, leaseSeconds, heldMax: casesHeldPerPerson };
    const result = await claims.claim(wanted, request, waitMs, signal);
    switch (result.kind) {
      case 'claimed':
        announcer.eventsWritten();
        return { kind: 'claimed', held: toHeld(result.token, actor.subject, result.row) };
      case 'none':
        return result;
      case 'limit':
        return { kind: 'limit', held: await store.heldBy(namespace, actor.subject, limits.casesHeldPerPersonMax) };
      case 'paused':
        return { kind: 'paused', topic: result.topic.name };
    }
  };
}

/** @throws Fault `BAD_USER_INPUT` unless it is null or between a second and twelve hours */
export function parseLeaseSeconds(seconds: number | null | undefined): number | null {
  if (seconds === null || seconds === undefined) return null;
  return parseWhole('input.leaseSeconds', seconds, limits.leaseSecondsMin, limits.leaseSecondsMax);
}

async function resolveTopics(topics: Topics, namespace: string, names: readonly string[]): Promise<Topic[]> {
  if (names.length === 0 || names.length > limits.topicsPerClaim) {
    throw badInput('input.topics', `must have 1 to ${limits.topicsPerClaim} entries`);
  }
  const resolved: Topic[] = [];
  for (const [index, name] of names.entries()) {
    const known = topics.known(namespace, 'cases', name);
    const topic = known ?? (await topics.ensure(namespace, 'cases', parseName(`input.topics.${index}`, name)));
    if (!resolved.includes(topic)) resolved.push(topic);
  }
  return resolved;
}

function toHeld(token: string, holder: string, row: ClaimCaseRow): HeldCase {
  const acquiredAt = toDate(row.acquired_at);
  return {
    case: toCase(row.item_id!, row, null),
    lease: {
      itemId: row.item_id!,
      token,
      holder,
      acquiredAt,
      expiresAt: toDate(row.expires_at),
      serverTime: acquiredAt,
    },
  };
}
