import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TopicStats } from '../../src/priority-queue/topic-stats.ts';
import { actor } from '../support/engine.ts';
import type { Answer, QueueGateway } from './queue-gateway.ts';
import { leasesOf, startQueueGateway } from './queue-gateway.ts';

let queue: QueueGateway;
beforeAll(async () => {
  queue = await startQueueGateway();
});
afterAll(() => queue.stop());

const put = (topic: string, count: number) =>
  queue.run('paul', 'enqueue', { items: Array.from({ length: count }, () => ({ topic, payload: '' })) });
const codes = (answer: Answer) => answer.results.map((result: Answer) => result.code ?? 'ok');
const take = (topic: string, count: number) => queue.run('cora', 'dequeue', { requests: [{ topic, count }] });

describe('the limits of the priority queue', () => {
  it('refuses items beyond a topic’s depth, and takes them when there is room again', async () => {
    await queue.run('otto', 'upsertTopic', { name: 'deep', maxDepth: 3 });
    expect(codes(await put('deep', 5))).toEqual(['ok', 'ok', 'ok', 'TOPIC_FULL', 'TOPIC_FULL']);
    const refused = (await put('deep', 1)).results[0];
    expect(refused).toMatchObject({ __typename: 'ItemRefused', code: 'TOPIC_FULL', retryable: true });
    await queue.run('cora', 'ack', { leases: leasesOf(await take('deep', 2)) });
    const deadline = Date.now() + 3_000;
    let again = await put('deep', 3);
    while (codes(again)[0] !== 'ok' && Date.now() < deadline) again = await put('deep', 3);
    expect(codes(again)).toEqual(['ok', 'ok', 'TOPIC_FULL']);
  });

  it('refuses items that come too fast, and says when to come back', async () => {
    await queue.run('otto', 'upsertTopic', { name: 'slow', enqueuesPerSecond: 4 });
    const answer = await queue.ask(
      'paul',
      `mutation($input: EnqueueInput!) { enqueue(input: $input) { ... on ItemsEnqueued { results {
        ... on Problem { code retryAfterMs } } } } }`,
      { input: { namespace: 'acme', items: Array.from({ length: 6 }, () => ({ topic: 'slow', payload: '' })) } },
    );
    const { results } = answer.data.enqueue;
    expect(results.map((result: Answer) => result.code)).toEqual([
      ...Array(4).fill(undefined),
      'RATE_LIMITED',
      'RATE_LIMITED',
    ]);
    expect(results[4].retryAfterMs).toBeGreaterThan(0);
    expect(results[4].retryAfterMs).toBeLessThanOrEqual(250);
    await new Promise((resolve) => setTimeout(resolve, results[4].retryAfterMs + 20));
    expect(codes(await put('slow', 1))).toEqual(['ok']);
  });

  it('bounds a tenant over all its topics, which only operators of all tenants set', async () => {
    const limits = { namespace: 'tenant', maxDepth: 4, maxInFlight: 2 };
    expect((await queue.run('otto', 'setNamespaceLimits', { ...limits, namespace: 'acme' })).code).toBe('FORBIDDEN');
    expect(await queue.run('olga', 'setNamespaceLimits', limits)).toEqual({
      maxDepth: 4,
      maxInFlight: 2,
      enqueuesPerSecond: null,
    });
    const { services } = queue.engine.foundation;
    const tina = { ...actor('tina', 'producer', 'consumer'), namespace: 'tenant' };
    const items = ['a', 'b', 'a', 'b', 'a'].map((topic) => ({ topic, payload: Buffer.alloc(0) }));
    const enqueued = await services.enqueue(tina, { namespace: 'tenant', items });
    if (enqueued.kind !== 'enqueued') throw new Error(enqueued.kind);
    expect(enqueued.results.map((one) => one.kind)).toEqual([
      'enqueued',
      'enqueued',
      'enqueued',
      'enqueued',
      'refused',
    ]);
    const requests = [
      { topic: 'a', count: 2 },
      { topic: 'b', count: 2 },
    ];
    const taken = await services.dequeue(tina, { namespace: 'tenant', requests }, new AbortController().signal);
    expect(taken.items).toHaveLength(2);
  });

  it('tells live how a topic stands and what passes, also in other gateways', async () => {
    const other = await queue.engine.another();
    const paul = actor('paul', 'producer');
    await put('watched', 3);
    const watching = await other.services.watchTopicStats(paul, { namespace: 'acme', topic: 'watched' });
    const stats: TopicStats[] = [(await watching.next()).value];
    expect(stats[0]).toMatchObject({ depth: 3, ready: 3, leased: 0 });
    await put('watched', 2);
    const taken = await take('watched', 4);
    await queue.run('cora', 'ack', { leases: leasesOf(taken).slice(0, 1) });
    const passed = (kind: 'enqueued' | 'delivered' | 'acked') => stats.some(({ rates }) => rates[kind] > 0);
    while (!(passed('enqueued') && passed('delivered') && passed('acked')) && stats.length < 6)
      stats.push((await watching.next()).value);
    expect(passed('enqueued') && passed('delivered') && passed('acked')).toBe(true);
    expect(stats.at(-1)).toMatchObject({ depth: 4, ready: 1, leased: 3 });
    await watching.return?.();
    await expect(other.services.watchTopicStats(paul, { namespace: 'other', topic: 'x' })).rejects.toThrow(/another/);
    const over = new AbortController();
    const stream = await fetch(`${queue.url}/graphql`, {
      method: 'POST',
      signal: over.signal,
      headers: {
        accept: 'text/event-stream',
        'content-type': 'application/json',
        authorization: `Bearer ${queue.token('paul')}`,
      },
      body: JSON.stringify({
        query: 'subscription { topicStats(namespace: "acme", topic: "watched") { depth ackedPerSecond } }',
      }),
    });
    let text = '';
    for await (const chunk of stream.body!) {
      text += Buffer.from(chunk).toString();
      if (text.includes('ackedPerSecond')) break;
    }
    over.abort();
    expect(text).toContain('"depth":4');
    const metrics = await queue.engine.foundation.metrics.registry.metrics();
    expect(metrics).toMatch(/caseload_queue_items_delivered_total\{[^}]*\} [1-9]/);
  });
});
