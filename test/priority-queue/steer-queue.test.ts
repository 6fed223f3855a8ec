import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitUntil } from '../support/wait-until.ts';
import type { Answer, QueueGateway } from './queue-gateway.ts';
import { base64, leasesOf, startQueueGateway } from './queue-gateway.ts';

let queue: QueueGateway;
beforeAll(async () => {
  queue = await startQueueGateway();
});
afterAll(() => queue.stop());

async function put(topic: string, ...items: object[]): Promise<string[]> {
  const input = { items: items.map((item) => ({ topic, payload: base64('x'), ...item })) };
  const answer = await queue.run('paul', 'enqueue', input);
  return answer.results.map((result: Answer) => result.item.id);
}

const take = (topic: string, count = 1, waitMs = 0) =>
  queue.run('cora', 'dequeue', { requests: [{ topic, count }], waitMs });

async function peek(topic: string): Promise<Answer[]> {
  const query = `query($topic: String!) { peek(namespace: "acme", topic: $topic, first: 10) {
    id state priority effectivePriority blockedBy } }`;
  return (await queue.ask('otto', query, { topic })).data.peek;
}

const history = `query($id: ID!) { item(id: $id) { state topic priority events { edges { node { type actor reason } } } } }`;

describe('steering the priority queue', () => {
  it('moves a waiting item at once, and none that is held', async () => {
    const [a, b, c] = await put(
      'moved',
      { priority: 1 },
      { priority: 2 },
      { deliverAfter: new Date(Date.now() + 60_000) },
    );
    expect((await take('moved')).items[0].item.id).toBe(a);
    const up = await queue.run('paul', 'updateItem', { itemId: c, priority: -9, deliverAfter: '2020-01-01T00:00:00Z' });
    expect(up).toMatchObject({ __typename: 'ItemUpdated', item: { state: 'READY', priority: -9 } });
    // A time that is over counts as now, as with enqueue.
    expect(Date.parse(up.item.deliverAfter)).toBeGreaterThan(Date.now() - 60_000);
    const metadata = { seen: true };
    expect(await queue.run('otto', 'updateItem', { itemId: a, metadata })).toMatchObject({ code: 'ITEM_LEASED' });
    await queue.run('otto', 'updateItem', { itemId: b, metadata });
    const next = await take('moved', 5);
    expect(next.items.map((one: Answer) => one.item.id)).toEqual([c, b]);
    expect(next.items[1].item.metadata).toEqual(metadata);
    expect((await queue.run('cora', 'updateItem', { itemId: b, priority: 1 })).code).toBe('FORBIDDEN');
    expect((await queue.run('eve', 'updateItem', { itemId: b, priority: 1 })).code).toBe('NOT_FOUND');
  });

  it('pauses with a reason and an end, and wakes who waits when it is resumed', async () => {
    await put('paused', {});
    const until = new Date(Date.now() + 3_600_000).toISOString();
    const paused = await queue.run('otto', 'pauseTopic', { topic: 'paused', until, reason: 'a release' });
    expect(paused.topic.pause).toMatchObject({ until, reason: 'a release' });
    expect((await take('paused')).topics).toEqual([{ topic: 'paused', returned: 0, ready: 1, paused: true }]);
    expect(await peek('paused')).toMatchObject([{ state: 'READY', blockedBy: 'PAUSED' }]);
    await put('open', {});
    // A paused topic in the list does not hide the others.
    const mixed = await queue.run('cora', 'dequeue', { requests: [{ topic: 'paused' }, { topic: 'open' }] });
    expect(mixed.topics).toMatchObject([{ paused: true }, { returned: 1, paused: false }]);
    // Another process reads the pause from the rows.
    const other = await queue.engine.another();
    const actor = {
      subject: 'cora',
      namespace: 'acme',
      roles: new Set(['consumer' as const]),
      expiresAtSeconds: undefined,
    };
    const input = { namespace: 'acme', requests: [{ topic: 'paused' }], waitMs: 20_000 };
    const waiting = other.services.dequeue(actor, input, new AbortController().signal);
    await waitUntil('the consumer waits', () => other.queueClaims.waiting === 1);
    expect((await take('paused')).items).toEqual([]);
    const at = performance.now();
    expect((await queue.run('otto', 'resumeTopic', { topic: 'paused' })).topic.pause).toBeNull();
    expect((await waiting).items).toHaveLength(1);
    expect(performance.now() - at).toBeLessThan(6_000);
    expect((await queue.run('otto', 'pauseTopic', { topic: 'unknown' })).code).toBe('NOT_FOUND');
  });

  it('shows the true order, and why each item is not delivered now', async () => {
    const soon = new Date(Date.now() + 3_600_000);
    const ids = await put(
      'peeked',
      { priority: 3 },
      { priority: -3 },
      { priority: -9, deliverAfter: soon },
      { priority: 3 },
    );
    await take('peeked');
    expect(await peek('peeked')).toEqual([
      { id: ids[0], state: 'READY', priority: 3, effectivePriority: 3, blockedBy: null },
      { id: ids[3], state: 'READY', priority: 3, effectivePriority: 3, blockedBy: null },
      { id: ids[2], state: 'DELAYED', priority: -9, effectivePriority: -9, blockedBy: 'DELAYED' },
      { id: ids[1], state: 'LEASED', priority: -3, effectivePriority: -3, blockedBy: 'LEASED' },
    ]);
    const topic = await queue.ask(
      'paul',
      `{ topic(namespace: "acme", name: "peeked") { name counts { depth ready delayed leased dead oldestReadySeconds } }
         topics(namespace: "acme") { name } }`,
    );
    expect(topic.data.topic.counts).toMatchObject({ depth: 4, ready: 2, delayed: 1, leased: 1, dead: 0 });
    expect(topic.data.topics).toContainEqual({ name: 'peeked' });
  });

  it('bounds the items in flight', async () => {
    await queue.run('otto', 'upsertTopic', { name: 'narrow', maxInFlight: 2 });
    await put('narrow', {}, {}, {});
    const first = await take('narrow', 3);
    expect(first.items).toHaveLength(2);
    expect(await peek('narrow')).toMatchObject([{ blockedBy: 'IN_FLIGHT_LIMIT' }, {}, {}]);
    const waiting = take('narrow', 1, 8_000);
    await queue.run('cora', 'ack', { leases: leasesOf(first) });
    expect((await waiting).items).toHaveLength(1);
  });

  it('keeps an item for as long as its lease is extended', async () => {
    await put('long', { leaseSeconds: 1 });
    const taken = await take('long');
    const [lease] = leasesOf(taken);
    const extended = await queue.run('cora', 'extendItemLease', { ...lease, seconds: 30 });
    expect(extended.__typename).toBe('LeaseExtended');
    expect(Date.parse(extended.lease.expiresAt) - Date.parse(extended.lease.serverTime)).toBe(30_000);
    expect((await take('long', 1, 1_500)).items).toEqual([]);
    expect((await queue.run('cora', 'extendItemLease', { ...lease, seconds: 43_200 })).code).toBe(
      'LEASE_LIMIT_REACHED',
    );
    await queue.run('cora', 'ack', { leases: [lease] });
    expect((await queue.run('cora', 'extendItemLease', { ...lease, seconds: 30 })).code).toBe('LEASE_LOST');
  });

  it('redrives dead letters by filter and by rate, with their settings', async () => {
    await queue.run('otto', 'upsertTopic', { name: 'mortal', maxAttempts: 1, deadLetterTopic: 'graves' });
    const more = { priority: 4, metadata: { kind: 'a' }, uniqueKey: 'one', leaseSeconds: 7, ttlSeconds: 3_600 };
    const [first, second, third] = await put('mortal', more, { priority: 5 }, { priority: 6 });
    const taken = await take('mortal', 3);
    const reasons = ['Timeout', 'Timeout', 'Bad data'];
    const nacks = leasesOf(taken).map((lease, index) => ({ ...lease, reason: reasons[index] }));
    const nacked = await queue.run('cora', 'nack', { leases: nacks });
    expect(nacked.results).toMatchObject(reasons.map(() => ({ deadLetterTopic: 'graves' })));
    const filter = { topic: 'mortal', reasonContains: 'timeout' };
    expect(await queue.run('otto', 'redriveDeadLetters', { ...filter, dryRun: true })).toEqual({
      dryRun: true,
      items: 2,
      itemIds: [first, second],
    });
    await queue.run('otto', 'redriveDeadLetters', { ...filter, itemsPerSecond: 2 });
    const back = await peek('mortal');
    expect(back).toMatchObject([
      { id: first, state: 'READY' },
      { id: second, state: 'DELAYED' },
    ]);
    const again = await take('mortal');
    expect(again.items[0].item).toMatchObject({ priority: 4, metadata: { kind: 'a' }, attempt: 1 });
    const { acquiredAt, expiresAt } = again.items[0].lease;
    expect(Date.parse(expiresAt) - Date.parse(acquiredAt)).toBe(7_000);
    expect((await take('mortal', 1, 3_000)).items[0].item.id).toBe(second);
    expect(await peek('graves')).toMatchObject([{ id: third, state: 'DEAD' }]);
    const trail = (await queue.ask('otto', history, { id: first })).data.item;
    expect(trail.events.edges.map((edge: Answer) => edge.node.type)).toEqual([
      'ENQUEUED',
      'CLAIMED',
      'DEAD_LETTERED',
      'REDRIVEN',
      'CLAIMED',
    ]);
  });

  it('purges what waits, after saying how much that is, and tells of each in its history', async () => {
    const [a, b] = await put('purged', { priority: 1 }, { priority: 5 }, { priority: 9 });
    const [lease] = leasesOf(await take('purged'));
    const input = { topic: 'purged', priorityAtLeast: 5 };
    expect(await queue.run('otto', 'purgeTopic', { ...input, dryRun: true })).toEqual({
      dryRun: true,
      items: 2,
      left: 2,
    });
    expect(await queue.run('otto', 'purgeTopic', { ...input, reason: 'old' })).toEqual({
      dryRun: false,
      items: 2,
      left: 0,
    });
    const gone = (await queue.ask('otto', history, { id: b })).data.item;
    expect(gone).toMatchObject({ state: 'PURGED', topic: 'purged', priority: null });
    expect(gone.events.edges.at(-1).node).toEqual({ type: 'PURGED', actor: 'otto', reason: 'old' });
    await queue.run('cora', 'ack', { leases: [lease] });
    const acked = (await queue.ask('otto', history, { id: a })).data.item;
    expect(acked.events.edges.at(-1).node).toEqual({ type: 'ACKED', actor: 'cora', reason: null });
    expect((await queue.ask('eve', history, { id: a })).errors[0].extensions.code).toBe('NOT_FOUND');
    expect((await queue.run('paul', 'purgeTopic', input)).code).toBe('FORBIDDEN');
  });

  it('lets an old item of a worse priority pass a younger one of a better', async () => {
    await queue.run('otto', 'upsertTopic', { name: 'ageing', ageingSeconds: 1 });
    const [old] = await put('ageing', { priority: 1 });
    await new Promise((resolve) => setTimeout(resolve, 2_100));
    await put('ageing', { priority: 0 });
    expect((await take('ageing')).items[0].item).toMatchObject({ id: old, priority: 1 });
  });
});
