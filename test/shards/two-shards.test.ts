import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CaseUpdate } from '../../src/cases/watch.ts';
import { shardOf } from '../../src/domain/ids.ts';
import { rankByKey } from '../../src/shards/placement.ts';
import { actor, alice, application, bob, carol, never, startEngine, type TestEngine } from '../support/engine.ts';

let engine: TestEngine;
let stopScheduler: () => Promise<void>;

beforeAll(async () => {
  engine = await startEngine({}, { shards: 2 });
  stopScheduler = await engine.startScheduler();
});
afterAll(async () => {
  await stopScheduler();
  await engine.stop();
});

const services = () => engine.foundation.services;

async function register(topic: string, priority = 0, idempotencyKey?: string): Promise<string> {
  const result = await services().register(alice, { ...application, topic, priority, idempotencyKey });
  if (result.kind !== 'registered') throw new Error(result.kind);
  return result.held.case.id;
}

async function claim(topic: string, who = bob, waitMs = 0) {
  const result = await services().claimNextCase(who, { namespace: 'acme', topics: [topic], waitMs }, never);
  return result.kind === 'claimed' ? result.held : result;
}

async function decide(who: typeof bob, held: Awaited<ReturnType<typeof claim>>): Promise<void> {
  if (!('case' in held)) throw new Error(`nothing was claimed: ${held.kind}`);
  const { case: record, lease } = held;
  await services().decide(who, { caseId: record.id, leaseToken: lease!.token, verdict: 'APPROVE' });
}

describe('two shards', () => {
  it('share what comes in, and hand it out in one order', async () => {
    const ids: string[] = [];
    for (const priority of [5, 3, 8, 1, 7, 2, 6, 4]) ids.push(await register('order', priority));
    expect(new Set(ids.map(shardOf))).toEqual(new Set([0, 1]));
    const priorities: number[] = [];
    for (let n = 0; n < ids.length; n++) {
      const held = await claim('order');
      if (!('case' in held)) throw new Error(held.kind);
      priorities.push(held.case.priority);
      await decide(bob, held);
    }
    expect(priorities).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(await claim('order')).toMatchObject({ kind: 'none', emptiness: { reason: 'EMPTY' } });
  });

  it('look past a paused topic to the others, at once and while somebody waits', async () => {
    await register('held-back');
    await register('held-back');
    for (const { url } of engine.databases) {
      const client = new Client({ connectionString: url });
      await client.connect();
      await client.query(`update topics set paused_at = clock_timestamp() where name = 'held-back'`);
      await client.end();
    }
    const ask = (who: string, topics: readonly string[], waitMs: number) =>
      services().claimNextCase(actor(who, 'auditor'), { namespace: 'acme', topics, waitMs }, never);
    expect(await ask('past-1', ['held-back'], 20_000)).toMatchObject({ kind: 'paused', topic: 'held-back' });
    expect(await ask('past-1', ['held-back', 'open'], 0)).toMatchObject({ kind: 'paused', topic: 'held-back' });
    const first = await register('open');
    expect(await ask('past-1', ['held-back', 'open'], 0)).toMatchObject({
      kind: 'claimed',
      held: { case: { id: first } },
    });
    const waiting = ask('past-2', ['held-back', 'open'], 20_000);
    const second = await register('open');
    expect(await waiting).toMatchObject({ kind: 'claimed', held: { case: { id: second } } });
  });

  it('find a case by its id, wherever it is', async () => {
    const ids = [await register('by-id'), await register('by-id')];
    expect(ids.map(shardOf).sort()).toEqual([0, 1]);
    for (const id of ids) {
      const claimed = await services().claimCase(bob, { caseId: id });
      if (claimed.kind !== 'claimed') throw new Error(claimed.kind);
      const { token } = claimed.held.lease!;
      expect(await services().extendLease(bob, { caseId: id, leaseToken: token, seconds: 60 })).toMatchObject({
        kind: 'extended',
      });
      expect((await services().findCase(bob, id)).lease?.token).toBe(token);
      expect(await services().topicName(id, claimed.held.case.topicId)).toBe('by-id');
      expect(await services().releaseCase(bob, { caseId: id, leaseToken: token })).toMatchObject({ kind: 'released' });
      expect((await services().caseHistory(id, 10, null)).events.map(({ type }) => type)).toEqual([
        'REGISTERED',
        'CLAIMED',
        'LEASE_EXTENDED',
        'RELEASED',
      ]);
    }
    await expect(services().findCase(bob, ids[0]!.replace(/7\d\d\d/, '7fff'))).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });

  it('count what somebody holds together', async () => {
    const ids = [await register('limit'), await register('limit'), await register('limit')];
    const first = await claim('limit');
    if (!('case' in first)) throw new Error(first.kind);
    expect(await claim('limit')).toMatchObject({ kind: 'limit', held: [{ case: { id: first.case.id } }] });
    const other = ids.find((id) => shardOf(id) !== shardOf(first.case.id))!;
    expect(await services().claimCase(bob, { caseId: other })).toMatchObject({ kind: 'limit' });
    expect(await services().myLeases(bob, 'acme')).toMatchObject([{ case: { id: first.case.id } }]);
    await decide(bob, first);
  });

  it('never let somebody have two cases who is served twice at the same moment', async () => {
    const keyFor = (shard: number, round: number): string => {
      for (let n = 0; ; n++) {
        const key = `crowd-${round}-${n}`;
        if (rankByKey(engine.foundation.engines, ['acme', 'alice', key])[0]!.number === shard) return key;
      }
    };
    const elsewhere = (await engine.another()).services;
    for (let round = 0; round < 6; round++) {
      // Carol waits at two doors; behind each a case comes up on a shard of its own.
      const waits = [services(), elsewhere].map((door, shard) =>
        door.claimNextCase(carol, { namespace: 'acme', topics: [`crowd-${shard}`], waitMs: 5_000 }, never),
      );
      await expect.poll(() => engine.foundation.claims.waiting).toBe(1);
      const ids = await Promise.all([0, 1].map((shard) => register(`crowd-${shard}`, 0, keyFor(shard, round))));
      expect(ids.map(shardOf)).toEqual([0, 1]);
      const kinds = (await Promise.all(waits)).map(({ kind }) => kind).toSorted();
      expect(kinds).toEqual(['claimed', 'limit']);
      const held = await services().myLeases(carol, 'acme');
      expect(held).toHaveLength(1);
      await decide(carol, held[0]!);
      for (const shard of [0, 1]) {
        const left = await claim(`crowd-${shard}`);
        if ('case' in left) await decide(bob, left);
      }
    }
    const withdrawn = { name: 'test-withdrawn', text: `select 1 as one from events where reason like 'withdrawn%'` };
    const counts = await Promise.all(engine.foundation.engines.map(({ shard }) => shard.run(withdrawn, [])));
    expect(counts.flat().length).toBeGreaterThan(0);
  });

  it('never let somebody claim two cases by name at the same moment', async () => {
    const keyFor = (shard: number, round: number): string => {
      for (let n = 0; ; n++) {
        const key = `named-${round}-${n}`;
        if (rankByKey(engine.foundation.engines, ['acme', 'alice', key])[0]!.number === shard) return key;
      }
    };
    const elsewhere = (await engine.another()).services;
    for (let round = 0; round < 8; round++) {
      const ids = await Promise.all([0, 1].map((shard) => register('named', 0, keyFor(shard, round))));
      await Promise.all([services(), elsewhere].map((door, n) => door.claimCase(carol, { caseId: ids[n]! })));
      const held = await services().myLeases(carol, 'acme');
      expect(held.length).toBeLessThanOrEqual(1);
      for (const one of held) await decide(carol, one);
      for (let left = await claim('named'); 'case' in left; left = await claim('named')) await decide(bob, left);
    }
  });

  it('serve those who wait, whichever shard the case comes to', async () => {
    for (let n = 0; n < 2; n++) {
      const waiting = claim('patience', bob, 10_000);
      await expect.poll(() => engine.foundation.claims.waiting).toBe(1);
      const id = await register('patience');
      expect(await waiting).toMatchObject({ case: { id } });
      await decide(bob, await waiting);
    }
  });

  it('give the first result again under one key, from any process', async () => {
    const first = await register('keyed', 0, 'the-key');
    const { services: another } = await engine.another();
    for (const each of [services(), another]) {
      const again = await each.register(alice, { ...application, topic: 'keyed', idempotencyKey: 'the-key' });
      expect(again).toMatchObject({ kind: 'registered', held: { case: { id: first } } });
    }
  });

  it.each(['REGISTERED_ASC', 'REGISTERED_DESC', 'PRIORITY'] as const)('list %s page by page', async (orderBy) => {
    const topic = `list-${orderBy.toLowerCase().replace('_', '-')}`;
    const made: { id: string; priority: number }[] = [];
    for (let n = 0; n < 11; n++) made.push({ id: await register(topic, n % 3), priority: n % 3 });
    const expected = made
      .toSorted((a, b) => (orderBy === 'PRIORITY' ? a.priority - b.priority : 0) || (a.id < b.id ? -1 : 1))
      .map(({ id }) => id);
    if (orderBy === 'REGISTERED_DESC') expected.reverse();
    const seen: string[] = [];
    for (let after: string | null = null; ; ) {
      const page = await services().listCases(bob, { namespace: 'acme', filter: { topic }, orderBy, first: 3, after });
      expect(page.partialShards).toEqual([]);
      seen.push(...page.edges.map(({ node }) => node.case.id));
      if (!page.hasNextPage) break;
      after = page.edges.at(-1)!.cursor;
    }
    expect(seen).toEqual(expected);
  });

  it('tell what happens on both, and go on from a cursor without a gap or a double', async () => {
    const watch = (after?: string) => services().watchCases(bob, { namespace: 'acme', topic: 'live', after });
    const take = async (updates: AsyncIterableIterator<CaseUpdate>, count: number): Promise<CaseUpdate[]> => {
      const taken: CaseUpdate[] = [];
      while (taken.length < count) taken.push((await updates.next()).value as CaseUpdate);
      return taken;
    };
    const live = await watch();
    const first = take(live, 4);
    const ids: string[] = [];
    for (let n = 0; n < 4; n++) ids.push(await register('live'));
    const seen = (await first).map((update) => update.held!.case.id);
    expect(seen.toSorted()).toEqual(ids.toSorted());
    await live.return?.();
    const { cursor } = (await first)[2]!;
    for (let n = 0; n < 3; n++) ids.push(await register('live'));
    const again = await watch(cursor);
    const rest = (await take(again, 4)).map((update) => update.held!.case.id);
    await again.return?.();
    expect([...seen.slice(0, 3), ...rest].toSorted()).toEqual(ids.toSorted());
  });
});
