import type { Actor } from '../domain/actor.ts';
import { requireHolder } from '../domain/actor.ts';
import type { Decision } from '../domain/case.ts';
import { forbidden, notFound } from '../domain/errors.ts';
import { parseId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement, toDate } from '../postgres/sql.ts';
import type { Announcer } from '../queue/announcements.ts';
import type { Topics } from '../queue/topics.ts';
import type { HeldCase } from './case-rows.ts';
import { parseLeaseSeconds } from './claim-next.ts';
import type { CaseStore } from './store.ts';

const claimItem = loadStatement('claim-item');
const withdrawClaim = loadStatement('withdraw-claim');

export interface ClaimCaseInput {
  readonly caseId: string;
  readonly leaseSeconds?: number | null;
}

export type ClaimCaseResult =
  | { readonly kind: 'claimed'; readonly held: HeldCase }
  | { readonly kind: 'held'; readonly holder: string; readonly expiresAt: Date }
  | { readonly kind: 'limit'; readonly held: readonly HeldCase[] }
  | { readonly kind: 'paused'; readonly topic: string }
  | { readonly kind: 'decided'; readonly decision: Decision };

interface ClaimItemRow {
  readonly outcome: 'claimed' | 'held' | 'excluded' | 'paused' | 'delayed' | 'limit';
  readonly acquired_at: string | null;
  readonly expires_at: string | null;
  readonly holder: string | null;
  readonly ticket: string | null;
  readonly server_time: string;
}

export interface ClaimCaseDependencies {
  readonly shard: Shard;
  readonly topics: Topics;
  readonly store: CaseStore;
  readonly announcer: Announcer;
  readonly newToken: () => string;
  readonly casesHeldPerPerson: number;
  /** What somebody holds on other shards, where there are any: it counts, too. */
  readonly heldElsewhere?: ((namespace: string, holder: string) => Promise<readonly HeldCase[]>) | undefined;
}

/**
 * Claims one given case, for an auditor who asks for it by name: also one who held it earlier, for instance whose lease
 * ran out while nobody took the case. Never the registrant.
 * @returns a function that throws Fault `NOT_FOUND`, `FORBIDDEN` (the registrant), `BAD_USER_INPUT` or `UNAVAILABLE`
 */
export function createClaimCase(
  dependencies: ClaimCaseDependencies,
): (actor: Actor | undefined, input: ClaimCaseInput) => Promise<ClaimCaseResult> {
  const { shard, topics, store, announcer, newToken, casesHeldPerPerson } = dependencies;
  return async (maybeActor, input) => {
    const id = parseId('input.caseId', input.caseId);
    const leaseSeconds = parseLeaseSeconds(input.leaseSeconds);
    const found = await findForAuditor(store, maybeActor, id);
    const actor = requireHolder(maybeActor, found.case.namespace, ['auditor', 'supervisor']);
    const { namespace, registrant } = found.case;
    const elsewhere = (await dependencies.heldElsewhere?.(namespace, actor.subject)) ?? [];
    const heldHere = () => store.heldBy(namespace, actor.subject, limits.casesHeldPerPersonMax);
    if (elsewhere.length >= casesHeldPerPerson) return { kind: 'limit', held: [...(await heldHere()), ...elsewhere] };
    const token = newToken();
    const rows = await shard.run<ClaimItemRow>(claimItem, [
      id,
      namespace,
      'cases',
      actor.subject,
      token,
      leaseSeconds,
      casesHeldPerPerson - elsewhere.length,
      [registrant],
    ]);
    const row = rows[0];
    if (row === undefined) {
      const decision = (await store.get(id)).case.decision;
      if (decision === null) throw notFound('Case');
      return { kind: 'decided', decision };
    }
    switch (row.outcome) {
      case 'claimed': {
        // Another claim of the same person may have been made on another shard since the look at them.
        const heldNow = (await dependencies.heldElsewhere?.(namespace, actor.subject)) ?? [];
        if (heldNow.length > 0 && heldNow.length + (await heldHere()).length > casesHeldPerPerson) {
          await withdraw(dependencies, id, token, found.case.topicId);
          return { kind: 'limit', held: [...(await heldHere()), ...heldNow] };
        }
        announcer.eventsWritten();
        const serverTime = toDate(row.server_time);
        const expiresAt = toDate(row.expires_at!);
        if (row.ticket !== null) announcer.giveBackAfter(row.ticket, expiresAt.getTime() - serverTime.getTime());
        const lease = {
          itemId: id,
          token,
          holder: actor.subject,
          acquiredAt: toDate(row.acquired_at!),
          expiresAt,
          serverTime,
        };
        return { kind: 'claimed', held: { case: found.case, lease } };
      }
      case 'held':
        // The holder's own second call finds its lease again, token and all.
        if (row.holder === actor.subject) return { kind: 'limit', held: [...(await heldHere()), ...elsewhere] };
        return { kind: 'held', holder: row.holder!, expiresAt: toDate(row.expires_at!) };
      case 'excluded':
        throw forbidden('Whoever registered a case cannot audit it');
      case 'paused':
      case 'delayed':
        return {
          kind: 'paused',
          topic: (await topics.byIds([found.case.topicId])).get(found.case.topicId)?.name ?? '',
        };
      case 'limit':
        return { kind: 'limit', held: [...(await heldHere()), ...elsewhere] };
    }
  };
}

/** Takes a claim back that was one too many, without a mark on who may have the case. */
async function withdraw(
  { shard, topics, announcer }: ClaimCaseDependencies,
  id: string,
  token: string,
  topicId: number,
): Promise<void> {
  const rows = await shard.run<{ priority: number; deliver_after: string; ticket: string | null }>(withdrawClaim, [
    id,
    token,
    'withdrawn: its holder was given another one at the same moment',
  ]);
  const topic = (await topics.byIds([topicId])).get(topicId);
  const row = rows[0];
  if (row === undefined || topic === undefined) return; // it ended meanwhile
  announcer.itemBecameReady(topic, { priority: row.priority, deliverAfter: row.deliver_after, id });
  if (row.ticket !== null) announcer.giveBack(row.ticket);
  announcer.eventsWritten();
}

/** A case that this actor's namespace has; another tenant's looks like one that does not exist. */
export async function findForAuditor(store: CaseStore, actor: Actor | undefined, id: string): Promise<HeldCase> {
  const found = await store.get(id);
  if (
    actor !== undefined &&
    actor.namespace !== found.case.namespace &&
    !(actor.namespace === '*' && actor.roles.has('operator'))
  ) {
    throw notFound('Case');
  }
  return found;
}
