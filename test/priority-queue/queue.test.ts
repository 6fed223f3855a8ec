import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer, QueueGateway } from './queue-gateway.ts';
import { base64, leasesOf, startQueueGateway } from './queue-gateway.ts';

let queue: QueueGateway;
beforeAll(async () => {
  queue = await startQueueGateway();
});
afterAll(() => queue.stop());

const one = { topic: 'jobs', payload: base64('one') };
const kinds = (answer: Answer) => answer.results.map((result: Answer) => result.__typename);
const priorities = (answer: Answer) => answer.items.map((delivery: Answer) => delivery.item.priority);

/** Waits for a moment of the wall clock. */
const until = (moment: number) => new Promise((resolve) => setTimeout(resolve, moment - Date.now()));

describe('the priority queue over GraphQL', () => {
  it('delivers in the order law’s order, with payload and metadata, and ends with the ack', async () => {
    const items = [5, 2_147_483_647, -2_147_483_648, 0, 5].map((priority, index) => ({
      topic: 'order',
      priority,
      payload: base64(`payload ${index}`),
      metadata: { index },
    }));
    const enqueued = await queue.run('paul', 'enqueue', { items });
    expect(kinds(enqueued)).toEqual(items.map(() => 'ItemEnqueued'));
    const first = await queue.run('cora', 'dequeue', { requests: [{ topic: 'order', count: 2 }] });
    expect(priorities(first)).toEqual([-2_147_483_648, 0]);
    expect(first.topics).toEqual([{ topic: 'order', returned: 2, ready: 3, paused: false }]);
    expect(first.items[0].item).toMatchObject({
      id: enqueued.results[2].item.id,
      payload: base64('payload 2'),
      metadata: { index: 2 },
      attempt: 1,
    });
    expect(Date.parse(first.items[0].lease.expiresAt) - Date.parse(first.items[0].lease.acquiredAt)).toBe(60_000);
    const rest = await queue.run('carl', 'dequeue', { requests: [{ topic: 'order', count: 10 }], leaseSeconds: 5 });
    expect(priorities(rest)).toEqual([5, 5, 2_147_483_647]);
    expect(rest.items.map((delivery: Answer) => delivery.item.metadata.index)).toEqual([0, 4, 1]);
    const leases = [...leasesOf(first), ...leasesOf(rest)];
    expect(kinds(await queue.run('cora', 'ack', { leases }))).toEqual(leases.map(() => 'ItemAcked'));
    // Sent again it is answered as the first time; a token that never was is lost.
    expect(kinds(await queue.run('cora', 'ack', { leases: leases.slice(0, 1) }))).toEqual(['ItemAcked']);
    const strange = { itemId: leases[0]!.itemId, leaseToken: leases[1]!.leaseToken };
    const lost = await queue.run('cora', 'ack', { leases: [strange] });
    expect(lost.results).toMatchObject([{ __typename: 'LeaseLost', code: 'LEASE_LOST', retryable: false }]);
    const empty = await queue.run('cora', 'dequeue', { requests: [{ topic: 'order' }] });
    expect(empty).toMatchObject({ items: [], topics: [{ returned: 0, ready: 0 }], partialShards: [] });
  });

  it('refuses a bad item without touching the others', async () => {
    await queue.run('otto', 'upsertTopic', { name: 'small', payloadBytesMax: 4 });
    const enqueued = await queue.run('paul', 'enqueue', {
      items: [
        { topic: 'small', payload: base64('1234') },
        { topic: 'small', payload: base64('12345') },
        { topic: 'Bad Name', payload: '' },
        { topic: 'small', payload: '', ttlSeconds: 0 },
        { topic: 'small', payload: '', metadata: { long: 'x'.repeat(5_000) } },
        { topic: 'small', payload: '', leaseSeconds: 43_201 },
        { topic: 'small', payload: '', deliverAfter: '2999-01-01T00:00:00Z' },
        { topic: 'other', payload: base64('12345') },
      ],
    });
    expect(enqueued.results.map((result: Answer) => result.code ?? result.__typename)).toEqual([
      'ItemEnqueued',
      'PAYLOAD_TOO_LARGE',
      'BAD_USER_INPUT',
      'BAD_USER_INPUT',
      'BAD_USER_INPUT',
      'BAD_USER_INPUT',
      'BAD_USER_INPUT',
      'ItemEnqueued',
    ]);
    const taken = await queue.run('cora', 'dequeue', { requests: [{ topic: 'small', count: 10 }] });
    expect(taken.items).toHaveLength(1);
  });

  it('answers a repeated call as the first time, and keeps unique keys unique while their items are open', async () => {
    const items = [
      { ...one, uniqueKey: 'a' },
      { ...one, uniqueKey: 'a' },
      { ...one, uniqueKey: 'b' },
    ];
    const first = await queue.run('paul', 'enqueue', { items, idempotencyKey: 'k1' });
    expect(kinds(first)).toEqual(['ItemEnqueued', 'DuplicateItem', 'ItemEnqueued']);
    expect(first.results[1].itemId).toBe(first.results[0].item.id);
    expect(await queue.run('paul', 'enqueue', { items, idempotencyKey: 'k1' })).toEqual(first);
    const other = await queue.run('paul', 'enqueue', { items: [one], idempotencyKey: 'k1' });
    expect(other).toMatchObject({ __typename: 'IdempotencyConflict', code: 'IDEMPOTENCY_CONFLICT' });
    const again = await queue.run('paul', 'enqueue', { items: [{ ...one, uniqueKey: 'b' }] });
    expect(again.results[0]).toMatchObject({ code: 'DUPLICATE_ITEM', itemId: first.results[2].item.id });
    const taken = await queue.run('cora', 'dequeue', { requests: [{ topic: 'jobs', count: 10 }] });
    expect(taken.items).toHaveLength(2);
    await queue.run('cora', 'ack', { leases: leasesOf(taken) });
    expect(kinds(await queue.run('paul', 'enqueue', { items: [{ ...one, uniqueKey: 'b' }] }))).toEqual([
      'ItemEnqueued',
    ]);
  });

  it('gives back at once or later, with new metadata, and to the dead letters in the end', async () => {
    await queue.run('otto', 'upsertTopic', { name: 'fragile', maxAttempts: 3 });
    await queue.run('paul', 'enqueue', { items: [{ topic: 'fragile', priority: 7, payload: base64('x') }] });
    const take = () => queue.run('cora', 'dequeue', { requests: [{ topic: 'fragile' }], waitMs: 5_000 });
    const nack = async (more: object) => {
      const taken = await take();
      const [lease] = leasesOf(taken);
      const nacked = await queue.run('cora', 'nack', { leases: [{ ...lease, ...more }] });
      return { taken: taken.items[0].item, result: nacked.results[0], lease };
    };
    const first = await nack({ metadata: { note: 'later' }, delaySeconds: 1, reason: 'busy' });
    expect(first.result.__typename).toBe('ItemReturned');
    expect(kinds(await queue.run('cora', 'ack', { leases: [first.lease!] }))).toEqual(['LeaseLost']);
    const at = Date.now();
    const second = await nack({});
    expect(second.taken).toMatchObject({ attempt: 2, metadata: { note: 'later' }, lastReason: 'busy', priority: 7 });
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(first.result.deliverAfter));
    expect(Date.now() - at).toBeLessThan(3_000);
    const third = await nack({ reason: 'no use' });
    expect(third.result).toMatchObject({ __typename: 'ItemDeadLettered', deadLetterTopic: 'fragile-dead' });
    const dead = await queue.run('cora', 'dequeue', { requests: [{ topic: 'fragile-dead' }], waitMs: 2_000 });
    expect(dead.items[0].item).toMatchObject({
      id: third.taken.id,
      originTopic: 'fragile',
      attempt: 1,
      priority: 7,
      metadata: { note: 'later' },
      lastReason: 'no use',
    });
  });

  it('waits for the first item of several topics, and takes what lies in each', async () => {
    const requests = [{ topic: 'wait-a', count: 2 }, { topic: 'wait-b' }];
    const waiting = queue.run('cora', 'dequeue', { requests, waitMs: 10_000 });
    await queue.run('paul', 'enqueue', { items: [{ topic: 'wait-b', payload: '' }] });
    expect((await waiting).topics).toMatchObject([{ returned: 0 }, { topic: 'wait-b', returned: 1 }]);
    const topics = ['wait-a', 'wait-a', 'wait-a', 'wait-b'];
    await queue.run('paul', 'enqueue', { items: topics.map((topic) => ({ topic, payload: '' })) });
    const both = await queue.run('cora', 'dequeue', { requests });
    expect(both.topics).toMatchObject([
      { topic: 'wait-a', returned: 2, ready: 1 },
      { topic: 'wait-b', returned: 1, ready: 0 },
    ]);
  });

  // Each waits for seconds to pass, on a topic of its own: together they wait but once.
  it.concurrent('delivers again what was not acknowledged in time, until the attempts are used up', async ({
    expect,
  }) => {
    await queue.run('otto', 'upsertTopic', { name: 'lost', maxAttempts: 2 });
    await queue.run('paul', 'enqueue', { items: [{ topic: 'lost', payload: '', leaseSeconds: 1 }] });
    const take = (topic: string) => queue.run('cora', 'dequeue', { requests: [{ topic }], waitMs: 8_000 });
    const first = await take('lost');
    const second = await take('lost');
    expect(second.items[0].item).toMatchObject({ id: first.items[0].item.id, attempt: 2 });
    expect(kinds(await queue.run('cora', 'ack', { leases: leasesOf(first) }))).toEqual(['LeaseLost']);
    expect((await take('lost-dead')).items[0].item).toMatchObject({ id: first.items[0].item.id, originTopic: 'lost' });
  });

  it.concurrent('does not deliver what has outlived its time, nor again what outlives it under a lease', async ({
    expect,
  }) => {
    const items = Array.from({ length: 3 }, () => ({ topic: 'brief', payload: '', ttlSeconds: 1, leaseSeconds: 2 }));
    await queue.run('paul', 'enqueue', { items });
    const requests = [{ topic: 'brief' }];
    const [kept, lost] = [
      await queue.run('cora', 'dequeue', { requests }),
      await queue.run('cora', 'dequeue', { requests }),
    ];
    expect([kept, lost].map((taken) => taken.items.length)).toEqual([1, 1]);
    await until(Date.parse(lost.items[0].lease.acquiredAt) + 1_100);
    expect((await queue.run('carl', 'dequeue', { requests })).items).toEqual([]);
    expect(kinds(await queue.run('cora', 'ack', { leases: leasesOf(kept) }))).toEqual(['ItemAcked']);
    // Until after the end of the other lease nothing comes.
    expect((await queue.run('carl', 'dequeue', { requests, waitMs: 2_500 })).items).toEqual([]);
  });

  it('keeps roles and namespaces apart', async () => {
    const requests = [{ topic: 'jobs' }];
    expect((await queue.run('cora', 'enqueue', { items: [one] })).code).toBe('FORBIDDEN');
    expect((await queue.run('bob', 'dequeue', { requests })).code).toBe('FORBIDDEN');
    expect((await queue.run('eve', 'enqueue', { items: [one] })).code).toBe('FORBIDDEN');
    expect((await queue.run('paul', 'upsertTopic', { name: 'jobs' })).code).toBe('FORBIDDEN');
    await queue.run('paul', 'enqueue', { items: [{ ...one, topic: 'private' }] });
    const taken = await queue.run('cora', 'dequeue', { requests: [{ topic: 'private' }] });
    const foreign = await queue.run('eve', 'ack', { namespace: 'other', leases: leasesOf(taken) });
    expect(kinds(foreign)).toEqual(['LeaseLost']);
    const strange = await queue.run('eve', 'dequeue', { namespace: 'other', requests: [{ topic: 'private' }] });
    expect(strange.items).toEqual([]);
  });

  it('refuses calls that are out of bounds, and stores nothing of them', async () => {
    const refused = async (verb: 'enqueue' | 'dequeue' | 'ack', input: object) =>
      expect((await queue.run('otto', verb, input)).code).toBe('BAD_USER_INPUT');
    await refused('enqueue', { items: [] });
    await refused('enqueue', { items: Array.from({ length: 1_001 }, () => ({ topic: 'never', payload: '' })) });
    await refused('enqueue', { items: [{ topic: 'never', payload: 'no base64' }] });
    await refused('enqueue', { items: [{ topic: 'never', payload: '', priority: 2_147_483_648 }] });
    await refused('dequeue', { requests: [] });
    await refused('dequeue', { requests: [{ topic: 'never', count: 0 }] });
    await refused('dequeue', { requests: [{ topic: 'never', count: 1_001 }] });
    await refused('dequeue', { requests: [{ topic: 'never' }], waitMs: 30_001 });
    await refused('ack', { leases: [{ itemId: 'x', leaseToken: 'y' }] });
    const never = await queue.run('otto', 'dequeue', { requests: [{ topic: 'never' }] });
    expect(never.topics[0].ready).toBe(0);
  });
});
