import type { Actor } from '../domain/actor.ts';
import { requireHolder } from '../domain/actor.ts';
import { badInput } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { parseName, parseWhole } from '../domain/names.ts';
import type { Topic } from '../domain/topic.ts';
import type { Shard } from '../postgres/shard.ts';
import { toDate } from '../postgres/sql.ts';
import type { Announcer } from '../queue/announcements.ts';
import type { ClaimRow } from '../queue/claim-desk.ts';
import type { Claims, Emptiness } from '../queue/claims.ts';
import type { SpreadClaims } from '../queue/spread-claims.ts';
import type { Topics } from '../queue/topics.ts';
import { askShards } from '../shards/merge-pages.ts';
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
  /** Claims over all shards, where there are several. */
  readonly spreadClaims: SpreadClaims<ClaimCaseRow> | undefined;
  readonly shards: readonly ClaimShard[];
  readonly casesHeldPerPerson: number;
}

/** What claims need of a shard. */
export interface ClaimShard {
  readonly shard: Pick<Shard, 'number' | 'available'>;
  readonly topics: Topics;
  readonly caseStore: CaseStore;
  readonly announcer: Announcer;
}

/**
 * Hands the best case of the topics to an auditor, who holds it under a lease. Cases that the auditor registered or
 * held before are never offered. Whoever holds as many cases as allowed gets those back.
 * @returns a function that throws Fault `FORBIDDEN`, `BAD_USER_INPUT`, `BACKPRESSURE` or `UNAVAILABLE`
 */
export function createClaimNextCase(
  dependencies: ClaimNextCaseDependencies,
): (actor: Actor | undefined, input: ClaimNextCaseInput, signal: AbortSignal) => Promise<ClaimNextCaseResult> {
  const { claims, spreadClaims, shards, casesHeldPerPerson } = dependencies;
  const announcers = new Map(shards.map(({ shard, announcer }) => [shard.number, announcer]));
  return async (maybeActor, input, signal) => {
    const namespace = parseName('input.namespace', input.namespace);
    const actor = requireHolder(maybeActor, namespace, ['auditor', 'supervisor']);
    const waitMs = parseWhole('input.waitMs', input.waitMs, 0, limits.waitMilliseconds);
    const leaseSeconds = parseLeaseSeconds(input.leaseSeconds);
    const wanted = await resolveTopics(shards, namespace, input.topics);
    const request = { holder: actor.subject, leaseSeconds, heldMax: casesHeldPerPerson };
    const result =
      spreadClaims === undefined
        ? await claims.claim(wanted.flat(), request, waitMs, signal)
        : await spreadClaims.claim(wanted, request, waitMs, signal);
    switch (result.kind) {
      case 'claimed':
        announcers.get(result.topic.shard)?.eventsWritten();
        return { kind: 'claimed', held: toHeld(result.token, actor.subject, result.row) };
      case 'none':
        return result;
      case 'limit':
        return { kind: 'limit', held: await heldBy(shards, namespace, actor.subject) };
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

/** What somebody holds on shards that answer. @throws Fault `UNAVAILABLE` when none does */
export async function heldBy(
  shards: readonly Pick<ClaimShard, 'caseStore' | 'shard'>[],
  namespace: string,
  holder: string,
): Promise<readonly HeldCase[]> {
  const { values } = await askShards(
    shards.map(({ caseStore, shard }) => ({ number: shard.number, caseStore })),
    ({ caseStore }) => caseStore.heldBy(namespace, holder, limits.casesHeldPerPersonMax),
  );
  return values.flat();
}

/** Each topic with its parts on the shards; shards that cannot be reached are left out until their topic is known. */
async function resolveTopics(
  shards: readonly ClaimShard[],
  namespace: string,
  names: readonly string[],
): Promise<Topic[][]> {
  if (names.length === 0 || names.length > limits.topicsPerClaim) {
    throw badInput('input.topics', `must have 1 to ${limits.topicsPerClaim} entries`);
  }
  const resolved: Topic[][] = [];
  for (const [index, name] of [...new Set(names)].entries()) {
    const known = shards.flatMap(({ topics }) => topics.known(namespace, 'cases', name) ?? []);
    resolved.push(
      known.length === shards.length
        ? known
        : await ensureTopic(shards, namespace, parseName(`input.topics.${index}`, name)),
    );
  }
  return resolved;
}

async function ensureTopic(shards: readonly ClaimShard[], namespace: string, name: string): Promise<Topic[]> {
  const parts = shards.map(({ topics, shard }) => ({ number: shard.number, topics }));
  const { values } = await askShards(parts, ({ topics }) => topics.ensure(namespace, 'cases', name));
  return [...values];
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
