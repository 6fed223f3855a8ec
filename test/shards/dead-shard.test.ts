import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CaseUpdate } from '../../src/cases/watch.ts';
import { shardOf } from '../../src/domain/ids.ts';
import { actor, alice, application, bob, carol, never, startEngine, type TestEngine } from '../support/engine.ts';

let engine: TestEngine;
let stopScheduler: () => Promise<void>;
const services = () => engine.foundation.services;

beforeAll(async () => {
  engine = await startEngine({}, { shards: 2, proxied: true });
  stopScheduler = await engine.startScheduler();
});
afterAll(async () => {
  await stopScheduler();
  await engine.stop();
});

async function register(topic: string): Promise<string> {
  const result = await services().register(alice, { ...application, topic });
  if (result.kind !== 'registered') throw new Error(result.kind);
  return result.held.case.id;
}

async function claim(topic: string, waitMs = 0, who = bob) {
  const result = await services().claimNextCase(who, { namespace: 'acme', topics: [topic], waitMs }, never);
  return result.kind === 'claimed' ? result.held : result;
}

describe('a shard whose network swallows everything', () => {
  it('is fenced off while the other goes on, and its cases come back with it', async () => {
    const [a, b] = [await register('fence'), await register('fence')];
    const [near, far] = shardOf(a) === 0 ? [a, b] : [b, a];
    const updates = await services().watchCases(bob, { namespace: 'acme', topic: 'fence' });
    const consumer = actor('cora', 'consumer');
    await services().upsertTopic(actor('olga', 'supervisor'), { namespace: 'acme', name: 'both', shards: 2 });
    for (let n = 0; n < 2; n++)
      await services().enqueue(actor('pete', 'producer'), {
        namespace: 'acme',
        items: [{ topic: 'both', payload: Buffer.from('x') }],
      });
    const requests = [{ topic: 'both', count: 2 }];
    const { items } = await services().dequeue(consumer, { namespace: 'acme', requests }, never);
    expect(items.map(({ item }) => shardOf(item.id)).toSorted()).toEqual([0, 1]);
    const leases = items.map(({ item, lease }) => ({ itemId: item.id, leaseToken: lease.token }));
    const dead = engine.proxies[1]!;
    dead.stall();
    await expect(services().findCase(bob, far)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(engine.foundation.engines[1]!.shard.available).toBe(false);

    // From here on nobody waits for it.
    const startedAt = performance.now();
    const fresh = await register('fence');
    expect(shardOf(fresh)).toBe(0);
    expect((await services().findCase(bob, near)).case.id).toBe(near);
    await expect(services().findCase(bob, far)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    const list = await services().listCases(bob, {
      namespace: 'acme',
      filter: { topic: 'fence' },
      orderBy: 'REGISTERED_ASC',
      first: 10,
    });
    expect(list.edges.map(({ node }) => node.case.id).toSorted()).toEqual([near, fresh].toSorted());
    expect(list.partialShards).toEqual([1]);
    const held = await claim('fence');
    expect(held).toMatchObject({ case: { id: near } });
    // Those of the living shard go on; what was under way when the other died may come first.
    for (let seen: string | undefined; seen !== fresh; )
      seen = ((await updates.next()).value as CaseUpdate).held?.case.id;
    const queued = await services().enqueue(actor('pete', 'producer'), {
      namespace: 'acme',
      items: Array.from({ length: 8 }, (_, n) => ({ topic: `topic-${n}`, payload: Buffer.from('x') })),
    });
    expect(queued.kind === 'enqueued' && queued.results.every(({ kind }) => kind === 'enqueued')).toBe(true);
    expect(performance.now() - startedAt).toBeLessThan(1_500);

    const answers = await services().ack(consumer, { namespace: 'acme', leases });
    expect(answers.map((answer, n) => [shardOf(leases[n]!.itemId), answer]).toSorted()).toEqual([
      [0, true],
      [1, expect.objectContaining({ code: 'UNAVAILABLE' })],
    ]);

    const waiting = claim('fence', 20_000, carol);
    expect(await waiting).toMatchObject({ case: { id: fresh } });
    dead.resume();
    await expect.poll(() => engine.foundation.engines[1]!.shard.available, { timeout: 5_000 }).toBe(true);
    if (!('case' in held)) throw new Error('nothing was held');
    await services().decide(bob, { caseId: near, leaseToken: held.lease!.token, verdict: 'APPROVE' });
    expect(await claim('fence', 10_000)).toMatchObject({ case: { id: far } });
    await updates.return?.();
  });
});
