import { afterAll, beforeAll, expect, it } from 'vitest';
import { shardOf } from '../../src/domain/ids.ts';
import type { EnqueueInput } from '../../src/priority-queue/enqueue.ts';
import { actor, never, startEngine, type TestEngine } from '../support/engine.ts';
import { waitUntil } from '../support/wait-until.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine({}, { shards: 2 });
});
afterAll(() => engine.stop());

const services = () => engine.foundation.services;
const producer = actor('pete', 'producer');
const consumer = actor('cora', 'consumer');
const operator = actor('olga', 'supervisor');
const payload = Buffer.from('x');

async function enqueue(input: EnqueueInput): Promise<string[]> {
  const result = await services().enqueue(producer, input);
  if (result.kind !== 'enqueued') throw new Error(result.kind);
  return result.results.map((one) => (one.kind === 'enqueued' ? one.item.id : one.kind));
}

/** Takes and acks all of some topics, so that their unique keys are free again. */
async function finish(topics: readonly string[], count: number): Promise<void> {
  const requests = topics.map((topic) => ({ topic, count }));
  const { items } = await services().dequeue(consumer, { namespace: 'acme', requests, waitMs: 500 }, never);
  const leases = items.map(({ item, lease }) => ({ itemId: item.id, leaseToken: lease.token }));
  expect(await services().ack(consumer, { namespace: 'acme', leases })).toHaveLength(topics.length * count);
}

it('a call under a key over all shards of a topic is kept on each', async () => {
  await services().upsertTopic(operator, { namespace: 'acme', name: 'wide', shards: 2 });
  const items = Array.from({ length: 16 }, (_, n) => ({ topic: 'wide', payload, uniqueKey: `u${n}` }));
  const call = { namespace: 'acme', idempotencyKey: 'wide', items };
  const first = await enqueue(call);
  expect(new Set(first.map(shardOf)).size).toBe(2);
  await finish(['wide'], 16);
  expect(await enqueue(call)).toEqual(first);
});

it('a call under a key over topics of several shards is kept on each', async () => {
  let apart = 0;
  for (let n = 0; n < 12; n++) {
    const topics = [`a${n}`, `b${n}`];
    const items = topics.map((topic) => ({ topic, payload, uniqueKey: 'u' }));
    const call = { namespace: 'acme', idempotencyKey: `call-${n}`, items };
    const first = await enqueue(call);
    if (new Set(first.map(shardOf)).size === 2) apart += 1;
    await finish(topics, 1);
    expect(await enqueue(call)).toEqual(first);
  }
  expect(apart).toBeGreaterThan(0);
});

it('a schedule stays one when its shard is drained', async () => {
  const root = { ...actor('root', 'operator'), namespace: '*' };
  const input = {
    namespace: 'acme',
    name: 'nightly',
    kind: 'webhook',
    payload: { url: 'https://x.example/', body: {} },
    every: 'PT1H',
  };
  const { id } = await services().upsertTaskSchedule(producer, input);
  const home = shardOf(id);
  await services().drainShard(root, { shard: home, drained: true, reason: 'repairs' });
  await waitUntil('it is drained', async () =>
    (await services().listShards(root)).some((shard) => shard.number === home && shard.drained),
  );
  await services().pauseTaskSchedule(operator, { namespace: 'acme', name: 'nightly' });
  expect((await services().upsertTaskSchedule(producer, input)).id).toBe(id);
  expect(await services().listTaskSchedules(operator, 'acme')).toMatchObject([{ id }]);
  await expect(services().pauseTaskSchedule(operator, { namespace: 'acme', name: '\u0000' })).rejects.toMatchObject({
    code: 'BAD_USER_INPUT',
  });
});
