import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Foundation } from '../../src/compose.ts';
import { compose } from '../../src/compose.ts';
import { readConfig } from '../../src/config.ts';
import type { Actor } from '../../src/domain/actor.ts';
import { shardOf } from '../../src/domain/ids.ts';
import { createLogger } from '../../src/log.ts';
import { actor, alice, application, bob, never, startEngine, type TestEngine } from '../support/engine.ts';

let engine: TestEngine;
let there: Foundation;
const chief: Actor = { ...actor('olga', 'operator'), namespace: '*' };
const here = () => engine.foundation.services;
const services = () => ({ eu: here(), us: there.services });
const regionOf = (id: string) => here().regionOf(id);

beforeAll(async () => {
  engine = await startEngine({ SHARD_REGIONS: 'eu,eu,us,us', REGION: 'eu' }, { shards: 4, proxied: true });
  there = await compose(
    readConfig({
      DATABASE_URLS: engine.foundation.config.databaseUrls.join(','),
      SHARD_REGIONS: 'eu,eu,us,us',
      REGION: 'us',
      NATS_URL: engine.nats.url,
      AUTH_SECRET: engine.foundation.config.authSecret!,
      BLOB_URL: engine.foundation.config.blobUrl,
      PORT: '0',
    }),
    createLogger('test', 'fatal'),
    'test',
  );
});
afterAll(async () => {
  await there.close();
  await engine.stop();
});

async function register(region: string | null, from: 'eu' | 'us' = 'eu', idempotencyKey?: string): Promise<string> {
  const result = await services()[from].register(alice, { ...application, topic: 'regions', region, idempotencyKey });
  if (result.kind !== 'registered') throw new Error(result.kind);
  return result.held.case.id;
}

async function regionsOfNew(from: 'eu' | 'us'): Promise<ReadonlySet<string | null>> {
  const ids = await Promise.all(Array.from({ length: 6 }, () => register(null, from)));
  return new Set(ids.map(regionOf));
}

describe('regions', () => {
  it('keep what comes in at home, or where the producer wants it', async () => {
    expect(await regionsOfNew('eu')).toEqual(new Set(['eu']));
    expect(await regionsOfNew('us')).toEqual(new Set(['us']));
    const abroad = await register('us');
    expect(regionOf(abroad)).toBe('us');
    expect(here().wasTakenOver(abroad, 'us')).toBe(false);
    await expect(register('moon')).rejects.toMatchObject({ code: 'BAD_USER_INPUT', field: 'input.region' });
    const items = Array.from({ length: 5 }, (_, n) => ({ topic: `t-${n}`, payload: Buffer.from('x') }));
    const result = await here().enqueue(actor('pete', 'producer'), { namespace: 'acme', items, region: 'us' });
    if (result.kind !== 'enqueued') throw new Error(result.kind);
    for (const one of result.results) expect(one.kind === 'enqueued' && regionOf(one.item.id)).toBe('us');
  });

  it('are served from home first, and help others when idle', async () => {
    const ask = { namespace: 'acme', topics: ['helping'], waitMs: 0 };
    const made: string[] = [];
    for (const from of ['us', 'eu'] as const) {
      const result = await services()[from].register(alice, { ...application, topic: 'helping' });
      if (result.kind === 'registered') made.push(result.held.case.id);
    }
    for (const region of ['eu', 'us']) {
      const claimed = await here().claimNextCase(bob, ask, never);
      if (claimed.kind !== 'claimed') throw new Error(claimed.kind);
      const { case: record, lease } = claimed.held;
      expect(regionOf(record.id)).toBe(region);
      await here().decide(bob, { caseId: record.id, leaseToken: lease!.token, verdict: 'APPROVE' });
    }
    expect(made).toHaveLength(2);
  });

  it('send their new work elsewhere within a second of a change, which is recorded', async () => {
    await expect(
      here().setRoute(actor('olga', 'operator'), { region: 'us', order: ['eu'], reason: 'a try' }),
    ).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await here().setRoute(chief, { region: 'us', order: ['eu', 'us'], reason: 'the west is repaired' });
    const changedAt = performance.now();
    await expect.poll(() => regionsOfNew('us'), { interval: 20 }).toEqual(new Set(['eu']));
    expect(performance.now() - changedAt).toBeLessThan(1_000);
    expect(there.services.listRegions(chief)).toMatchObject([
      { name: 'eu', shards: [0, 1], route: ['eu', 'us'], own: false },
      { name: 'us', shards: [2, 3], route: ['eu', 'us'], own: true },
    ]);
    await here().setRoute(chief, { region: 'us', order: [], reason: 'done' });
    await expect.poll(() => regionsOfNew('us')).toEqual(new Set(['us']));
    expect(await there.services.listRouteChanges(chief)).toMatchObject([
      { key: 'route.us', value: ['us'], by: 'olga', reason: 'done' },
      { key: 'route.us', value: ['eu', 'us'], by: 'olga', reason: 'the west is repaired' },
    ]);
  });

  it('leave a drained shard what it has, and give it nothing new; its keys are remembered', async () => {
    const keys = Array.from({ length: 8 }, (_, n) => `key-${n}`);
    const before = new Map<string, string>();
    for (const key of keys) before.set(key, await register(null, 'eu', key));
    await here().drainShard(chief, { shard: 1, drained: true, reason: 'to be renewed' });
    const fresh = await Promise.all(Array.from({ length: 6 }, () => register(null)));
    expect(new Set(fresh.map(shardOf))).toEqual(new Set([0]));
    for (const key of keys) expect(await register(null, 'eu', key)).toBe(before.get(key));
    expect(new Set([...before.values()].map(shardOf))).toEqual(new Set([0, 1]));
    const left = [...before.values()].find((id) => shardOf(id) === 1)!;
    expect((await here().claimCase(bob, { caseId: left })).kind).toBe('claimed');
    for (const shard of [0, 2]) await here().drainShard(chief, { shard, drained: true, reason: 'all' });
    await expect(here().drainShard(chief, { shard: 3, drained: true, reason: 'all' })).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
    });
    for (const shard of [0, 1, 2]) await here().drainShard(chief, { shard, drained: false, reason: 'back' });
    expect(here().listShards(chief)).toMatchObject([{ drained: false }, { drained: false }, {}, {}]);
  });

  it('take each other’s work while a region is away, say so, and find its keys again', async () => {
    for (const proxy of engine.proxies.slice(0, 2)) proxy.stall();
    // The first to wait in vain opens the breaker of each.
    await expect
      .poll(
        async () => {
          await Promise.allSettled([register(null), register(null)]);
          return engine.foundation.engines.map(({ shard }) => shard.available);
        },
        { timeout: 10_000 },
      )
      .toEqual([false, false, true, true]);
    const id = await register(null, 'eu', 'taken-over');
    expect(regionOf(id)).toBe('us');
    expect(here().wasTakenOver(id, null)).toBe(true);
    expect(await register(null, 'eu', 'taken-over')).toBe(id);
    for (const proxy of engine.proxies.slice(0, 2)) proxy.resume();
    await expect
      .poll(() => engine.foundation.engines.every(({ shard }) => shard.available), { timeout: 5_000 })
      .toBe(true);
    expect(await register(null, 'eu', 'taken-over')).toBe(id);
    expect(await regionsOfNew('eu')).toEqual(new Set(['eu']));
  });
});
