import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EnqueueInput } from '../../src/priority-queue/enqueue.ts';
import type { TestEngine } from '../support/engine.ts';
import { actor, never, startEngine } from '../support/engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());

const services = () => engine.foundation.services;
const operator = actor('olga', 'operator');
const consumer = actor('cora', 'consumer');
type Item = Partial<EnqueueInput['items'][number]>;

/** Enqueues items of which each fails at its only attempt. */
async function die(topic: string, items: readonly Item[]): Promise<readonly string[]> {
  await services().upsertTopic(operator, { namespace: 'acme', name: topic, maxAttempts: 1 });
  await services().enqueue(operator, {
    namespace: 'acme',
    items: items.map((item) => ({ topic, payload: Buffer.from('x'), ...item })),
  });
  const requests = [{ topic, count: items.length }];
  const taken = await services().dequeue(consumer, { namespace: 'acme', requests }, never);
  const leases = taken.items.map(({ item, lease }) => ({ itemId: item.id, leaseToken: lease.token, reason: 'bad' }));
  await services().nack(consumer, { namespace: 'acme', leases });
  return leases.map(({ itemId }) => itemId);
}

describe('dead letters', () => {
  it('do not expire when their time is changed', async () => {
    const [itemId] = await die('timed', [{ ttlSeconds: 60 }]);
    expect(await services().findItem(operator, itemId!)).toMatchObject({ state: 'DEAD', expiresAt: null });
    await services().updateItem(operator, { itemId: itemId!, deliverAfter: new Date(Date.now() - 1_000) });
    expect(await services().findItem(operator, itemId!)).toMatchObject({ state: 'DEAD', expiresAt: null });
  });

  it('go back to the last, though some have one unique key', async () => {
    await die('keyed', [{ uniqueKey: 'u' }]);
    await die('keyed', [{ uniqueKey: 'u' }]);
    await die(
      'keyed',
      Array.from({ length: 600 }, () => ({})),
    );
    const { itemIds } = await services().redriveDeadLetters(operator, {
      namespace: 'acme',
      topic: 'keyed',
      limit: 1_000,
    });
    expect(itemIds.length).toBe(601);
  });

  it('are found by metadata beside those whose metadata cannot be searched', async () => {
    const metadata = { b: 1, path: 'C:\\u0000' };
    const ids = await die('odd', [{ metadata }, { metadata }, { metadata }]);
    const pool = await engine.foundation.shard.pool();
    await pool.query(String.raw`update items set metadata = '{"b":1,"a":"\\\u0000"}' where id = $1`, [ids[0]]);
    await pool.query(String.raw`update items set metadata = '{"b":1,"a":"\uD800"}' where id = $1`, [ids[1]]);
    const { itemIds } = await services().redriveDeadLetters(operator, {
      namespace: 'acme',
      topic: 'odd',
      metadata: { b: 1 },
    });
    expect(itemIds).toEqual([ids[2]]);
  });
});

it.each(['\u0000', '\\\u0000', '\ud800', '\udc00'])('refuses metadata that cannot be searched: %j', async (text) => {
  const items = [{ topic: 'odd', payload: Buffer.from('x'), metadata: { text } }];
  const result = await services().enqueue(operator, { namespace: 'acme', items });
  expect(result).toMatchObject({ results: [{ kind: 'refused', code: 'BAD_USER_INPUT' }] });
});

it.each(['\\u0000', '\\\\ud800', '\u{1f600}'])('takes metadata that only looks like it: %j', async (text) => {
  const items = [{ topic: 'even', payload: Buffer.from('x'), metadata: { text } }];
  const result = await services().enqueue(operator, { namespace: 'acme', items });
  expect(result).toMatchObject({ results: [{ kind: 'enqueued' }] });
});
