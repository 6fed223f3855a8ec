import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CaseUpdate } from '../../src/cases/watch.ts';
import type { Foundation } from '../../src/compose.ts';
import { encodeCursor } from '../../src/domain/event.ts';
import type { TestEngine } from '../support/engine.ts';
import { actor, alice, application, bob, never, startEngine } from '../support/engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  await engine.startScheduler();
});
afterAll(() => engine.stop());

const supervisor = actor('sue', 'supervisor');

async function work(foundation: Foundation, topic: string, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let index = 0; index < count; index++) {
    const registered = await foundation.services.register(alice, { ...application, topic });
    const claimed = await foundation.services.claimNextCase(
      bob,
      { namespace: 'acme', topics: [topic], waitMs: 10_000 },
      never,
    );
    if (registered.kind !== 'registered' || claimed.kind !== 'claimed')
      throw new Error(`${registered.kind} ${claimed.kind}`);
    const { id } = claimed.held.case;
    ids.push(id);
    // Earlier auditors are not offered a case again, so each case is decided by its first.
    const decided = await foundation.services.decide(bob, {
      caseId: id,
      leaseToken: claimed.held.lease!.token,
      verdict: 'APPROVE',
    });
    if (decided.kind !== 'decided') throw new Error(decided.kind);
  }
  return ids;
}

async function take(updates: AsyncIterable<CaseUpdate>, count: number): Promise<CaseUpdate[]> {
  const taken: CaseUpdate[] = [];
  for await (const update of updates) {
    taken.push(update);
    if (taken.length === count) break;
  }
  return taken;
}

const watch = (foundation: Foundation, who = supervisor, more: object = {}) =>
  foundation.services.watchCases(who, { namespace: 'acme', ...more });

describe('caseUpdated', () => {
  it('tells what happens, in order, with the case as it is', async () => {
    const updates = await watch(engine.foundation, supervisor, { topic: 'live' });
    const [id] = await work(engine.foundation, 'live', 1);
    const seen = await take(updates, 3);
    expect(seen.map((update) => [update.type, update.actor, update.held?.case.id])).toEqual([
      ['REGISTERED', 'alice', id],
      ['CLAIMED', 'bob', id],
      ['APPROVED', 'bob', id],
    ]);
    expect(seen[2]?.held?.case.decision).toMatchObject({ verdict: 'APPROVE' });
  });

  it('replays after a cursor and goes on live, in another process, without a gap or a double', async () => {
    const updates = await watch(engine.foundation, supervisor, { topic: 'resume' });
    const working = work(engine.foundation, 'resume', 30);
    const first = await take(updates, 17);
    const other = await engine.another();
    const resumed = await watch(other, supervisor, { topic: 'resume', after: first.at(-1)?.cursor });
    const rest = await take(resumed, 90 - 17);
    const ids = await working;
    const seen = [...first, ...rest].map((update) => `${update.held?.case.id} ${update.type}`);
    expect(seen).toEqual(ids.flatMap((id) => [`${id} REGISTERED`, `${id} CLAIMED`, `${id} APPROVED`]));
  });

  it('misses nothing while many transactions commit out of order', async () => {
    const updates = await watch(engine.foundation, supervisor, { topic: 'crowd' });
    const pool = await engine.foundation.shard.pool();
    // An older transaction that writes an event late: whoever reads by number alone would pass over it.
    const slow = await pool.connect();
    await slow.query('begin');
    await slow.query('select pg_current_xact_id()');
    const registered = await Promise.all(
      Array.from({ length: 20 }, () => engine.foundation.services.register(alice, { ...application, topic: 'crowd' })),
    );
    const topic = engine.foundation.topics.known('acme', 'cases', 'crowd');
    const first = registered[0];
    if (first?.kind !== 'registered') throw new Error('not registered');
    await slow.query(
      `insert into events (position, namespace, topic_id, item_id, type, actor, at) values (event_position(), 'acme', $1, $2, 'LEASE_EXPIRED', 'bob', clock_timestamp())`,
      [topic?.id, first.held.case.id],
    );
    await slow.query('commit');
    slow.release();
    const seen = await take(updates, 21);
    expect(seen.map((update) => update.type).sort()).toEqual([
      'LEASE_EXPIRED',
      ...Array.from({ length: 20 }, () => 'REGISTERED'),
    ]);
    expect(new Set(seen.map((update) => update.cursor)).size).toBe(21);
  });

  it('shows applicants their own cases only, and not who works on them', async () => {
    const mallory = actor('mallory', 'applicant');
    const mine = await watch(engine.foundation, alice, { topic: 'private' });
    const theirs = await watch(engine.foundation, mallory, { topic: 'private' });
    await work(engine.foundation, 'private', 1);
    await engine.foundation.services.register(mallory, { ...application, topic: 'private' });
    expect((await take(mine, 3)).map((update) => [update.type, update.actor])).toEqual([
      ['REGISTERED', 'alice'],
      ['CLAIMED', null],
      ['APPROVED', null],
    ]);
    expect((await take(theirs, 1)).map((update) => update.held?.case.registrant)).toEqual(['mallory']);
  });

  it('refuses other namespaces and cases', async () => {
    const registered = await engine.foundation.services.register(alice, application);
    const caseId = registered.kind === 'registered' ? registered.held.case.id : '';
    const mallory = actor('mallory', 'applicant');
    await expect(watch(engine.foundation, mallory, { caseId })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(engine.foundation.services.watchCases(mallory, { namespace: 'other' })).rejects.toMatchObject({
      code: 'FORBIDDEN',
    });
    await expect(watch(engine.foundation, supervisor, { after: 'nonsense' })).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
      field: 'after',
    });
  });

  it('ends with RESYNC for a client that is too slow, which then goes on from its cursor', async () => {
    const updates = await watch(engine.foundation, supervisor, { topic: 'flood' });
    const started = updates.next();
    await engine.foundation.services.register(alice, { ...application, topic: 'flood' });
    expect((await started).value).toMatchObject({ type: 'REGISTERED' });
    for (let round = 0; round < 4; round++) {
      await Promise.all(
        Array.from({ length: 100 }, () =>
          engine.foundation.services.register(alice, { ...application, topic: 'flood' }),
        ),
      );
    }
    const probe = await watch(engine.foundation, supervisor, { topic: 'flood-end' });
    await engine.foundation.services.register(alice, { ...application, topic: 'flood-end' });
    await take(probe, 1); // by now everything before was handed on
    const rest: CaseUpdate[] = [];
    for await (const update of updates) rest.push(update);
    expect(rest.at(-1)).toMatchObject({ type: 'RESYNC', held: null });
    const resumed = await watch(engine.foundation, supervisor, { topic: 'flood', after: rest.at(-1)?.cursor });
    const missed = await take(resumed, 400 - (rest.length - 1));
    expect(new Set([...rest.slice(0, -1), ...missed].map((update) => update.held?.case.id)).size).toBe(400);
  });

  it('answers a place ahead of all that happened with RESYNC, and refuses one on a shard that there is not', async () => {
    const ahead = encodeCursor(new Map([[0, { position: 999_999_999_999, sequence: 1 }]]));
    const updates = await watch(engine.foundation, supervisor, { topic: 'ahead', after: ahead });
    const [answer, ...more] = await take(updates, 2);
    expect(answer).toMatchObject({ type: 'RESYNC' });
    expect(more).toEqual([]);
    const resumed = await watch(engine.foundation, supervisor, { topic: 'ahead', after: answer!.cursor });
    await engine.foundation.services.register(alice, { ...application, topic: 'ahead' });
    expect((await take(resumed, 1))[0]).toMatchObject({ type: 'REGISTERED' });
    const elsewhere = encodeCursor(new Map([[7, { position: 1, sequence: 1 }]]));
    await expect(watch(engine.foundation, supervisor, { after: elsewhere })).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
      field: 'after',
    });
  });

  it('leaves nothing behind when it is given up before it began', async () => {
    const before = engine.foundation.updates.watcherCount;
    const updates = await Promise.all(Array.from({ length: 20 }, () => watch(engine.foundation)));
    expect(engine.foundation.updates.watcherCount).toBe(before + 20);
    for (const one of updates) await one.return?.();
    expect(engine.foundation.updates.watcherCount).toBe(before);
  });

  it('begins at its own moment, however much happened before and happens meanwhile', async () => {
    for (let round = 0; round < 4; round++) {
      await Promise.all(
        Array.from({ length: 250 }, () =>
          engine.foundation.services.register(alice, { ...application, topic: 'past' }),
        ),
      );
    }
    // Transactions of other databases on the same server hold the horizon back, too: the past must be over first.
    const pool = await engine.foundation.shard.pool();
    const unfinished = 'select count(*)::integer as events from events where position >= event_horizon()';
    await expect.poll(async () => (await pool.query(unfinished)).rows[0].events, { timeout: 10_000 }).toBe(0);
    const young = await engine.another();
    let stop = false;
    const since: string[] = [];
    const registering = (async () => {
      while (!stop) {
        const result = await engine.foundation.services.register(alice, { ...application, topic: 'past' });
        if (result.kind === 'registered') since.push(result.held.case.id);
      }
    })();
    const updates = await watch(young, supervisor, { topic: 'past' });
    const seen = await take(updates, 20);
    stop = true;
    await registering;
    expect(seen.map((update) => update.type)).toEqual(Array.from({ length: 20 }, () => 'REGISTERED'));
    const first = since.indexOf(seen[0]?.held?.case.id ?? '');
    expect(seen.map((update) => update.held?.case.id)).toEqual(since.slice(first, first + 20));
  });

  it('ends when the token ends', async () => {
    const short = { ...supervisor, expiresAtSeconds: Math.floor(Date.now() / 1_000) + 1 };
    const updates = await watch(engine.foundation, short, { topic: 'silence' });
    await expect(updates.next()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('goes on when NATS went away and came back, and reads the rows meanwhile', async () => {
    const updates = await watch(engine.foundation, supervisor, { topic: 'outage' });
    await engine.nats.stop();
    const during = await work(engine.foundation, 'outage', 2);
    const seen = await take(updates, 6);
    expect(seen.map((update) => update.held?.case.id)).toEqual(during.flatMap((id) => [id, id, id]));
  });
});
