import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RelayedEvent } from '../../src/events/event-bus.ts';
import { createLogger } from '../../src/log.ts';
import { createQueueHousekeeping } from '../../src/priority-queue/housekeeping.ts';
import type { TestEngine } from '../support/engine.ts';
import { actor, never, startEngine } from '../support/engine.ts';

/** What one statement does to many items is one row of the record, and still everything is known of each. */

const otto = actor('otto', 'operator');
let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());

const services = () => engine.foundation.services;

async function enqueue(topic: string, count: number): Promise<string[]> {
  const items = Array.from({ length: count }, () => ({ topic, payload: Buffer.alloc(0) }));
  const result = await services().enqueue(otto, { namespace: 'acme', items });
  if (result.kind !== 'enqueued') throw new Error(result.kind);
  return result.results.map((one) => {
    if (one.kind !== 'enqueued') throw new Error(one.kind);
    return one.item.id;
  });
}

async function dequeue(topic: string, count: number) {
  const { items } = await services().dequeue(otto, { namespace: 'acme', requests: [{ topic, count }] }, never);
  return items.map(({ item, lease }) => ({ itemId: item.id, leaseToken: lease.token }));
}

const historyOf = async (id: string) => (await services().queueItemHistory(id, 20, null)).events;

describe('items that are handled together', () => {
  it('have each a history of its own, in pages, too', async () => {
    const ids = await enqueue('pack', 6);
    const leases = await dequeue('pack', 6);
    expect(await services().ack(otto, { namespace: 'acme', leases: leases.slice(0, 4) })).toEqual(Array(4).fill(true));
    await services().nack(otto, { namespace: 'acme', leases: leases.slice(4) });
    for (const id of ids.slice(0, 4)) {
      const history = await historyOf(id);
      expect(history.map(({ type, attempt }) => [type, attempt])).toEqual([
        ['ENQUEUED', null],
        ['CLAIMED', 1],
        ['ACKED', 1],
      ]);
      expect(history[1]!.leaseExpiresAt!.getTime()).toBe(history[1]!.at.getTime() + 60_000);
      const rest = await services().queueItemHistory(id, 20, history[0]!.cursor);
      expect(rest.events.map(({ type }) => type)).toEqual(['CLAIMED', 'ACKED']);
      expect((await services().findItem(otto, id)).state).toBe('ACKED');
    }
    expect((await historyOf(ids[5]!)).map(({ type }) => type)).toEqual(['ENQUEUED', 'CLAIMED', 'NACKED']);
    const pool = await engine.foundation.shard.pool();
    const { rows } = await pool.query(
      `select type, cardinality(item_ids) as items from events where item_ids is not null order by sequence`,
    );
    expect(rows).toEqual([
      { type: 'ENQUEUED', items: 6 },
      { type: 'CLAIMED', items: 6 },
      { type: 'ACKED', items: 4 },
    ]);
  });

  it('are acknowledged again with the same answer, and by no other token', async () => {
    await enqueue('again', 3);
    const leases = await dequeue('again', 3);
    expect(await services().ack(otto, { namespace: 'acme', leases })).toEqual([true, true, true]);
    expect(await services().ack(otto, { namespace: 'acme', leases })).toEqual([true, true, true]);
    const [first, second] = leases;
    const swapped = [{ itemId: first!.itemId, leaseToken: second!.leaseToken }];
    expect(await services().ack(otto, { namespace: 'acme', leases: swapped })).toEqual([false]);
  });

  it('are entries of their own in the audit log, on whatever page it is cut', async () => {
    const ids = await enqueue('audited', 5);
    await services().ack(otto, { namespace: 'acme', leases: await dequeue('audited', 5) });
    const read = async (first: number) => {
      const entries: string[] = [];
      for (let after: string | null = null, page = 0; page < 50; page += 1) {
        const input = { namespace: 'acme', filter: { system: 'queue' as const }, first, after };
        const { edges, hasNextPage, endCursor } = await services().auditLog(otto, input);
        entries.push(
          ...edges.filter(({ node }) => node.topic === 'audited').map(({ node }) => `${node.type} ${node.aboutId}`),
        );
        if (!hasNextPage) break;
        after = endCursor;
      }
      return entries;
    };
    const all = ['ACKED', 'CLAIMED', 'ENQUEUED'].flatMap((type) => ids.map((id) => `${type} ${id}`)).toSorted();
    // Other tests' transactions in the same server hold the horizon back for a moment.
    await expect.poll(async () => (await read(100)).toSorted()).toEqual(all);
    const whole = await read(100);
    for (const first of [1, 3, 4]) expect(await read(first)).toEqual(whole);
  });

  it('are told together in the stream of events', async () => {
    const heard: RelayedEvent[] = [];
    const stop = engine.foundation.bus.listen({ onEvent: (event) => heard.push(event), onHead: () => undefined });
    const stopScheduler = await engine.startScheduler();
    const ids = await enqueue('told', 3);
    await expect
      .poll(() => heard.filter(({ event }) => event.topic === 'told').map(({ event }) => event.items))
      .toEqual([ids.map((id) => ({ id, attempt: null }))]);
    stop();
    await stopScheduler();
  });

  it('are forgotten together, when the last of them has left', async () => {
    const pool = await engine.foundation.shard.pool();
    const [open, ...others] = await enqueue('old', 3);
    const { shard, announcer } = engine.foundation;
    await pool.query(`update items set priority = 1 where id = $1`, [open]);
    await services().ack(otto, { namespace: 'acme', leases: await dequeue('old', 2) });
    await pool.query(`update events set at = at - interval '8 days'`);
    const prune = async () => {
      const history = createQueueHousekeeping(shard, announcer, 7, createLogger('test', 'fatal'))[2]!;
      await history.start();
      await history.stop();
    };
    await prune();
    expect((await historyOf(others[0]!)).map(({ type }) => type)).toEqual(['ENQUEUED']);
    await services().ack(otto, { namespace: 'acme', leases: await dequeue('old', 1) });
    await pool.query(`update events set at = at - interval '8 days'`);
    await prune();
    expect(await historyOf(others[0]!)).toEqual([]);
  });
});
