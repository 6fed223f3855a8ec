import { afterAll, beforeAll, expect, it } from 'vitest';
import { createLogger } from '../../src/log.ts';
import { createQueueHousekeeping } from '../../src/priority-queue/housekeeping.ts';
import type { TestEngine } from '../support/engine.ts';
import { actor, alice, application, never, startEngine } from '../support/engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());

it('forgets items that left the queue long ago, and no other, no case and no open item', async () => {
  const { services, shard, announcer } = engine.foundation;
  const otto = actor('otto', 'operator');
  const enqueue = async () => {
    const items = [{ topic: 'history', payload: Buffer.alloc(0) }];
    const enqueued = await services.enqueue(otto, { namespace: 'acme', items });
    if (enqueued.kind !== 'enqueued' || enqueued.results[0]!.kind !== 'enqueued') throw new Error('it is not there');
    return enqueued.results[0]!.item.id;
  };
  const finish = async () => {
    const requests = [{ topic: 'history', count: 1 }];
    const { items } = await services.dequeue(otto, { namespace: 'acme', requests }, never);
    const leases = items.map(({ item, lease }) => ({ itemId: item.id, leaseToken: lease.token }));
    expect(await services.ack(otto, { namespace: 'acme', leases })).toEqual([true]);
    return leases[0]!.itemId;
  };
  await enqueue();
  const open = await enqueue();
  const registered = await services.register(alice, application);
  if (registered.kind !== 'registered') throw new Error(registered.kind);
  const old = await finish();
  const pool = await shard.pool();
  await pool.query(`update events set at = at - interval '8 days'`);
  await services.updateItem(otto, { itemId: open, priority: 1 });
  await enqueue();
  const recent = await finish();
  for (const service of createQueueHousekeeping(shard, announcer, 7, createLogger('test', 'fatal'))) {
    await service.start();
    await service.stop();
  }
  await expect(services.findItem(otto, old)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect((await services.findItem(otto, recent)).state).toBe('ACKED');
  expect((await services.queueItemHistory(open, 10, null)).events).toHaveLength(2);
  expect((await services.caseHistory(registered.held.case.id, 10, null)).events.length).toBeGreaterThan(0);
});

it('looks again at what was open when it came by', async () => {
  const { services, shard, announcer } = engine.foundation;
  const otto = actor('otto', 'operator');
  const items = [{ topic: 'later', payload: Buffer.alloc(0) }];
  const enqueued = await services.enqueue(otto, { namespace: 'acme', items });
  if (enqueued.kind !== 'enqueued' || enqueued.results[0]!.kind !== 'enqueued') throw new Error('it is not there');
  const { id } = enqueued.results[0]!.item;
  const pool = await shard.pool();
  await pool.query(`update events set at = at - interval '8 days'`);
  const history = createQueueHousekeeping(shard, announcer, 7, createLogger('test', 'fatal'), 50)[2]!;
  await history.start();
  try {
    const { items: taken } = await services.dequeue(
      otto,
      { namespace: 'acme', requests: [{ topic: 'later', count: 1 }] },
      never,
    );
    const leases = taken.map(({ item, lease }) => ({ itemId: item.id, leaseToken: lease.token }));
    expect(await services.ack(otto, { namespace: 'acme', leases })).toEqual([true]);
    const count = async () =>
      (await pool.query(`select from events where item_id = $1 and at < now() - interval '7 days'`, [id])).rowCount;
    await expect.poll(count, { timeout: 5_000 }).toBe(0);
  } finally {
    await history.stop();
  }
});
