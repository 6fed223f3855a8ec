import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestEngine } from '../support/engine.ts';
import { actor, alice, application, bob, carol, never, startEngine } from '../support/engine.ts';

let engine: TestEngine;
let topicNumber = 0;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());

const newTopic = (): string => `topic-${++topicNumber}`;

async function register(topic: string, priority = 0, by = alice): Promise<string> {
  const result = await engine.foundation.services.register(by, { ...application, topic, priority });
  if (result.kind !== 'registered') throw new Error(result.kind);
  return result.held.case.id;
}

const claim = (who: typeof bob, topic: string, waitMs = 0, leaseSeconds: number | null = null, signal = never) =>
  engine.foundation.services.claimNextCase(who, { namespace: 'acme', topics: [topic], waitMs, leaseSeconds }, signal);

async function mustClaim(who: typeof bob, topic: string, leaseSeconds: number | null = null) {
  const result = await claim(who, topic, 0, leaseSeconds);
  if (result.kind !== 'claimed') throw new Error(`nothing claimed: ${result.kind}`);
  return { id: result.held.case.id, token: result.held.lease!.token, held: result.held };
}

const decide = (who: typeof bob, caseId: string, leaseToken: string, more: object = {}) =>
  engine.foundation.services.decide(who, { caseId, leaseToken, verdict: 'APPROVE', ...more });

describe('claimNextCase', () => {
  it('hands out cases in exact order: priority, then age', async () => {
    const topic = newTopic();
    const priorities = [5, -2_147_483_648, 0, 2_147_483_647, 0, -1];
    const ids: string[] = [];
    for (const priority of priorities) ids.push(await register(topic, priority));
    const handedOut: string[] = [];
    for (const index of priorities.keys())
      handedOut.push((await mustClaim(actor(`order-${index}`, 'auditor'), topic)).id);
    expect(handedOut).toEqual([ids[1], ids[5], ids[2], ids[4], ids[0], ids[3]]);
  });

  it('keeps exact order for 64 claimers at once', async () => {
    const topic = newTopic();
    const ids = await Promise.all(Array.from({ length: 64 }, (_, index) => register(topic, index % 7)));
    const claims = await Promise.all(ids.map((_, index) => mustClaim(actor(`crowd-${index}`, 'auditor'), topic)));
    expect(new Set(claims.map(({ id }) => id))).toEqual(new Set(ids));
  });

  it('wakes a waiting claimer as soon as a case is registered', async () => {
    const topic = newTopic();
    const waiting = claim(bob, topic, 20_000);
    const id = await register(topic);
    const result = await waiting;
    expect(result).toMatchObject({ kind: 'claimed', held: { case: { id } } });
    if (result.kind === 'claimed') await decide(bob, id, result.held.lease!.token);
  });

  it('says why there is nothing', async () => {
    const topic = newTopic();
    expect(await claim(carol, topic)).toMatchObject({
      kind: 'none',
      emptiness: { reason: 'EMPTY', nextEligibleAt: null },
    });
    await register(topic);
    const held = await mustClaim(bob, topic);
    expect(await claim(carol, topic)).toMatchObject({
      kind: 'none',
      emptiness: { reason: 'ALL_HELD', nextEligibleAt: held.held.lease!.expiresAt },
    });
    await decide(bob, held.id, held.token);
  });

  it('never offers a case to its registrant or to an earlier auditor', async () => {
    const topic = newTopic();
    const both = actor('dora', 'applicant', 'auditor');
    await register(topic, 0, both);
    expect(await claim(both, topic)).toMatchObject({ kind: 'none', emptiness: { reason: 'NOT_ELIGIBLE' } });
    const { id, token } = await mustClaim(bob, topic);
    expect(await engine.foundation.services.releaseCase(bob, { caseId: id, leaseToken: token })).toMatchObject({
      kind: 'released',
    });
    expect(await claim(bob, topic)).toMatchObject({ kind: 'none', emptiness: { reason: 'NOT_ELIGIBLE' } });
    const next = await mustClaim(carol, topic);
    expect(next.id).toBe(id);
    await decide(carol, id, next.token);
  });

  it('serves others at once while somebody who may not take the case waits in front', async () => {
    const topic = newTopic();
    const both = actor('dora', 'applicant', 'auditor');
    const blocked = new AbortController();
    const inFront = claim(both, topic, 20_000, null, blocked.signal);
    const behind = claim(carol, topic, 20_000);
    const id = await register(topic, 0, both);
    const result = await behind;
    expect(result).toMatchObject({ kind: 'claimed', held: { case: { id } } });
    blocked.abort();
    expect(await inFront).toMatchObject({ kind: 'none' });
    if (result.kind === 'claimed') await decide(carol, id, result.held.lease!.token);
  });

  it('gives a holder its case back instead of another one', async () => {
    const topic = newTopic();
    await register(topic);
    await register(topic);
    const { id, token } = await mustClaim(bob, topic);
    expect(await claim(bob, topic, 20_000)).toMatchObject({
      kind: 'limit',
      held: [{ case: { id }, lease: { token } }],
    });
    await decide(bob, id, token);
  });

  it('lets one person with many tabs hold one case only', async () => {
    const topic = newTopic();
    for (let index = 0; index < 8; index++) await register(topic);
    const other = await engine.another();
    const eve = actor('eve', 'auditor');
    const input = { namespace: 'acme', topics: [topic], waitMs: 0 };
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        (index % 2 === 0 ? engine.foundation : other).services.claimNextCase(eve, input, never),
      ),
    );
    expect(results.filter((result) => result.kind === 'claimed')).toHaveLength(1);
    expect(results.filter((result) => result.kind === 'limit')).toHaveLength(7);
  });

  it('looks through several topics in their order', async () => {
    const [first, second] = [newTopic(), newTopic()];
    const id = await register(second);
    const gina = actor('gina', 'auditor');
    const input = { namespace: 'acme', topics: [first, second], waitMs: 0 };
    expect(await engine.foundation.services.claimNextCase(gina, input, never)).toMatchObject({
      kind: 'claimed',
      held: { case: { id } },
    });
    const hans = actor('hans', 'auditor');
    const waiting = engine.foundation.services.claimNextCase(hans, { ...input, waitMs: 20_000 }, never);
    const later = await register(first);
    expect(await waiting).toMatchObject({ kind: 'claimed', held: { case: { id: later } } });
  });

  it('refuses a paused topic', async () => {
    const topic = newTopic();
    await register(topic);
    const pool = await engine.foundation.shard.pool();
    await pool.query('update topics set paused_at = clock_timestamp() where name = $1', [topic]);
    expect(await claim(carol, topic, 20_000)).toMatchObject({ kind: 'paused', topic });
  });

  it('looks past a paused topic to the others, at once and while it waits', async () => {
    const [paused, open] = [newTopic(), newTopic()];
    await register(paused);
    const pool = await engine.foundation.shard.pool();
    await pool.query('update topics set paused_at = clock_timestamp() where name = $1', [paused]);
    const ask = (who: string, waitMs: number) =>
      engine.foundation.services.claimNextCase(
        actor(who, 'auditor'),
        { namespace: 'acme', topics: [paused, open], waitMs },
        never,
      );
    expect(await ask('past-1', 0)).toMatchObject({ kind: 'paused', topic: paused });
    const first = await register(open);
    expect(await ask('past-1', 0)).toMatchObject({ kind: 'claimed', held: { case: { id: first } } });
    const waiting = ask('past-2', 20_000);
    const second = await register(open);
    expect(await waiting).toMatchObject({ kind: 'claimed', held: { case: { id: second } } });
  });

  it('offers a case again when its lease has run out, without any scheduler', async () => {
    const topic = newTopic();
    await register(topic);
    const first = await mustClaim(bob, topic, 1);
    const second = await claim(carol, topic, 20_000);
    expect(second).toMatchObject({ kind: 'claimed', held: { case: { id: first.id } } });
    if (second.kind !== 'claimed') return;
    expect(second.held.lease!.acquiredAt.getTime()).toBeGreaterThanOrEqual(first.held.lease!.expiresAt.getTime());
    expect(await decide(bob, first.id, first.token)).toMatchObject({
      kind: 'lost',
      holder: 'carol',
      reclaimable: false,
    });
    expect(await decide(carol, first.id, second.held.lease!.token)).toMatchObject({ kind: 'decided' });
  });
});

describe('claimCase', () => {
  it('gives a lost case back to whoever held it, while nobody took it', async () => {
    const topic = newTopic();
    const again = await register(topic);
    const held = await mustClaim(bob, topic, 1);
    await new Promise((resolve) =>
      setTimeout(resolve, held.held.lease!.expiresAt.getTime() - held.held.lease!.serverTime.getTime() + 20),
    );
    expect(await decide(bob, again, held.token)).toMatchObject({ kind: 'lost', holder: null, reclaimable: true });
    const back = await engine.foundation.services.claimCase(bob, { caseId: again });
    expect(back).toMatchObject({ kind: 'claimed' });
    if (back.kind === 'claimed')
      expect(await decide(bob, again, back.held.lease!.token)).toMatchObject({ kind: 'decided' });
  });

  it('says who holds a case, and refuses the registrant', async () => {
    const topic = newTopic();
    const both = actor('dora', 'applicant', 'auditor');
    const id = await register(topic, 0, both);
    await expect(engine.foundation.services.claimCase(both, { caseId: id })).rejects.toMatchObject({
      code: 'FORBIDDEN',
    });
    const { token } = await mustClaim(bob, topic);
    expect(await engine.foundation.services.claimCase(carol, { caseId: id })).toMatchObject({
      kind: 'held',
      holder: 'bob',
    });
    await decide(bob, id, token);
    expect(await engine.foundation.services.claimCase(carol, { caseId: id })).toMatchObject({
      kind: 'decided',
      decision: { decidedBy: 'bob' },
    });
  });
});

describe('decide', () => {
  it('counts once, and answers the same key the same', async () => {
    const topic = newTopic();
    const id = await register(topic);
    const { token } = await mustClaim(bob, topic);
    const results = await Promise.all(
      Array.from({ length: 5 }, () => decide(bob, id, token, { idempotencyKey: 'once' })),
    );
    expect(results.every((result) => result.kind === 'decided')).toBe(true);
    expect(await decide(bob, id, token, { idempotencyKey: 'once', verdict: 'REJECT', reason: 'no' })).toEqual({
      kind: 'idempotencyConflict',
    });
    expect(await decide(bob, id, token)).toMatchObject({ kind: 'alreadyDecided' });
    const history = await engine.foundation.services.caseHistory(id, 100, null);
    expect(history.events.map((event) => event.type)).toEqual(['REGISTERED', 'CLAIMED', 'APPROVED']);
  });

  it('changes nothing under a wrong token, and asks for a reason to reject', async () => {
    const topic = newTopic();
    const id = await register(topic);
    const { token } = await mustClaim(bob, topic);
    expect(await decide(carol, id, token)).toMatchObject({ kind: 'lost', holder: 'bob' });
    expect(await decide(bob, id, '00000000-0000-4000-8000-000000000000')).toMatchObject({ kind: 'lost' });
    await expect(decide(bob, id, token, { verdict: 'REJECT' })).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
      field: 'input.reason',
    });
    expect(await decide(bob, id, token)).toMatchObject({ kind: 'decided' });
  });
});

describe('extendLease', () => {
  it('moves the end, up to the longest a lease may last', async () => {
    const topic = newTopic();
    const id = await register(topic);
    const { token, held } = await mustClaim(bob, topic, 60);
    const extend = (seconds: number) =>
      engine.foundation.services.extendLease(bob, { caseId: id, leaseToken: token, seconds });
    const extended = await extend(600);
    expect(extended.kind).toBe('extended');
    if (extended.kind === 'extended')
      expect(extended.lease.expiresAt.getTime()).toBeGreaterThan(held.lease!.expiresAt.getTime());
    expect(await extend(43_200)).toMatchObject({ kind: 'limit' });
    await decide(bob, id, token);
    expect(await extend(60)).toMatchObject({ kind: 'lost' });
  });
});
