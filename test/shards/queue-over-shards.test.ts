import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shardOf } from '../../src/domain/ids.ts';
import type { EnqueueInput } from '../../src/priority-queue/enqueue.ts';
import { actor, never, startEngine, type TestEngine } from '../support/engine.ts';

let engine: TestEngine;
let stopScheduler: () => Promise<void>;
const producer = actor('pete', 'producer');
const consumer = actor('cora', 'consumer');
const operator = actor('olga', 'supervisor');
const services = () => engine.foundation.services;

beforeAll(async () => {
  engine = await startEngine({}, { shards: 2 });
  stopScheduler = await engine.startScheduler();
});
afterAll(async () => {
  await stopScheduler();
  await engine.stop();
});

type Item = Partial<EnqueueInput['items'][number]>;

async function enqueue(topic: string, items: readonly Item[], more: Partial<EnqueueInput> = {}): Promise<string[]> {
  const result = await services().enqueue(producer, {
    namespace: 'acme',
    items: items.map((item) => ({ topic, payload: Buffer.from('x'), priority: 0, ...item })),
    ...more,
  });
  if (result.kind !== 'enqueued') throw new Error(result.kind);
  return result.results.map((one) => (one.kind === 'enqueued' ? one.item.id : `${one.kind}`));
}

async function dequeue(topic: string, count: number, waitMs = 0) {
  return services().dequeue(consumer, { namespace: 'acme', requests: [{ topic, count }], waitMs }, never);
}

const spread = (name: string) => services().upsertTopic(operator, { namespace: 'acme', name, shards: 2 });

describe('the priority queue over two shards', () => {
  it('keeps a topic on one shard unless it is given more', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 6; n++) ids.push(...(await enqueue('single', [{}])));
    expect(new Set(ids.map(shardOf)).size).toBe(1);
    const { items, partialShards } = await dequeue('single', 10);
    expect(items.map(({ item }) => item.id).toSorted()).toEqual(ids.toSorted());
    expect(partialShards).toEqual([]);
  });

  it('bounds depth and rate over both, of a topic and of a namespace', async () => {
    const one = async (topic: string, namespace = 'acme'): Promise<string> =>
      (await enqueue(topic, [{}], { namespace }))[0]!;
    const outcomes = async (count: number, next: (n: number) => Promise<string>): Promise<string[]> => {
      const ids: string[] = [];
      for (let n = 0; n < count; n++) ids.push(await next(n));
      return ids;
    };
    const taken = (ids: readonly string[]) => ids.filter((id) => id !== 'refused');
    await services().upsertTopic(operator, { namespace: 'acme', name: 'bounded', shards: 2, maxDepth: 4 });
    const deep = await outcomes(8, () => one('bounded'));
    expect(taken(deep)).toHaveLength(4);
    expect(new Set(taken(deep).map(shardOf)).size).toBe(2);
    await services().upsertTopic(operator, { namespace: 'acme', name: 'paced', shards: 2, enqueuesPerSecond: 2 });
    expect(taken(await outcomes(8, () => one('paced'))).length).toBeLessThanOrEqual(3);
    const chief = { ...actor('olga', 'operator'), namespace: '*' };
    await services().setNamespaceLimits(chief, { namespace: 'acme', maxDepth: 1_000_000, enqueuesPerSecond: 1 });
    await expect
      .poll(async () => taken(await outcomes(4, (n) => one(`other-${n}`))).length, { timeout: 5_000 })
      .toBeLessThanOrEqual(1);
    await services().setNamespaceLimits(chief, { namespace: 'acme' });
    await expect
      .poll(async () => taken(await outcomes(4, (n) => one(`other-${n}`))).length, { timeout: 5_000 })
      .toBe(4);
  });

  it('hands out the best of both in one order, many at once', async () => {
    await spread('wide');
    const priorities = [9, 1, 8, 2, 7, 3, 6, 4, 5, 0];
    const ids: string[] = [];
    for (const priority of priorities) ids.push(...(await enqueue('wide', [{ priority }])));
    expect(new Set(ids.map(shardOf)).size).toBe(2);
    expect((await services().peek(operator, 'acme', 'wide', 4)).map(({ priority }) => priority)).toEqual([0, 1, 2, 3]);
    const first = await dequeue('wide', 7);
    expect(first.items.map(({ item }) => item.priority)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(first.topics[0]!.returned).toBe(7);
    expect(await first.topics[0]!.countReady()).toBe(3);
    const topic = (await services().findTopic(operator, 'acme', 'wide'))!;
    expect(await services().countTopic(topic)).toMatchObject({ depth: 10, ready: 3, leased: 7 });
    const leases = first.items.map(({ item, lease }) => ({ itemId: item.id, leaseToken: lease.token }));
    const strange = { itemId: leases[0]!.itemId.replace(/7\d\d\d/, '7fff'), leaseToken: leases[0]!.leaseToken };
    const acked = await services().ack(consumer, { namespace: 'acme', leases: [...leases, strange] });
    expect(acked).toEqual([...leases.map(() => true), false]);
  });

  it('finds an item by its id on its shard, and gives it back there', async () => {
    await spread('back');
    for (let n = 0; n < 4; n++) await enqueue('back', [{}]);
    const { items } = await dequeue('back', 4);
    expect(new Set(items.map(({ item }) => shardOf(item.id))).size).toBe(2);
    const leases = items.map(({ item, lease }) => ({ itemId: item.id, leaseToken: lease.token, reason: 'not now' }));
    const nacked = await services().nack(consumer, { namespace: 'acme', leases });
    expect(nacked.map(({ kind }) => kind)).toEqual(['returned', 'returned', 'returned', 'returned']);
    for (const { item } of items) {
      expect(await services().findItem(operator, item.id)).toMatchObject({ id: item.id, lastReason: 'not now' });
    }
    expect(await services().purgeTopic(operator, { namespace: 'acme', topic: 'back' })).toMatchObject({ items: 4 });
  });

  it('serves a consumer that waits, from either shard', async () => {
    await spread('wait');
    for (let n = 0; n < 4; n++) {
      const waiting = dequeue('wait', 1, 10_000);
      await expect.poll(() => engine.foundation.queueClaims.waiting).toBe(1);
      const [id] = await enqueue('wait', [{}]);
      expect((await waiting).items.map(({ item }) => item.id)).toEqual([id]);
    }
  });

  it('finds what lies beside its topic’s home', async () => {
    await spread('moved');
    const ids = [...(await enqueue('moved', [{}])), ...(await enqueue('moved', [{}]))];
    expect(new Set(ids.map(shardOf)).size).toBe(2);
    await services().upsertTopic(operator, { namespace: 'acme', name: 'moved', shards: 1 });
    const found = new Set<number>();
    await expect
      .poll(async () => {
        for (const { item } of (await dequeue('moved', 1)).items) found.add(shardOf(item.id));
        return found.size;
      })
      .toBe(2);
  });

  it('keeps unique keys and idempotency keys apart from the turn', async () => {
    await spread('keys');
    const unique = async () => (await enqueue('keys', [{ uniqueKey: 'only-one' }, {}]))[0]!;
    const first = await unique();
    for (let n = 0; n < 4; n++) expect(await unique()).toBe('duplicate');
    expect(first).not.toBe('duplicate');
    const again = () => enqueue('keys', [{}, {}], { idempotencyKey: 'once' });
    const ids = await again();
    for (let n = 0; n < 4; n++) expect(await again()).toEqual(ids);
  });
});
