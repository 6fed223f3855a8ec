import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Foundation } from '../../src/compose.ts';
import { callApi } from '../../src/jetstream/api.ts';
import { createLogger } from '../../src/log.ts';
import { TicketReconciler } from '../../src/scheduler/reconcile-tickets.ts';
import type { TestEngine } from '../support/engine.ts';
import { actor, never, startEngine } from '../support/engine.ts';

const producer = actor('pete', 'producer');
const consumer = actor('cora', 'consumer');
const operator = actor('olga', 'supervisor');
let engine: TestEngine;
let other: Foundation;
let reconciler: TicketReconciler;

beforeAll(async () => {
  engine = await startEngine();
  other = await engine.another();
  const { shard, topics, ledger } = engine.foundation;
  reconciler = new TicketReconciler(shard, topics, ledger, createLogger('test', 'fatal'));
});
afterAll(() => engine.stop());

async function enqueue(topic: string, count: number): Promise<void> {
  const items = Array.from({ length: count }, (_, index) => ({ topic, payload: Buffer.from('x'), priority: index }));
  await engine.foundation.services.enqueue(producer, { namespace: 'acme', items });
}

async function dequeue(from: Foundation, topic: string, count: number, waitMs = 0): Promise<number[]> {
  const input = { namespace: 'acme', requests: [{ topic, count }], waitMs };
  const { items } = await from.services.dequeue(consumer, input, never);
  return items.map(({ item }) => item.priority!);
}

async function callsOf(topic: string): Promise<number> {
  const counts = await engine.foundation.tickets.countTickets('queue');
  return counts.find((count) => count.topic === topic)?.tickets ?? 0;
}

/** The number of the last ticket that the stream took. */
async function lastTicket(): Promise<number> {
  const info = await callApi<{ state: { last_seq: number } }>(engine.foundation.link, 'STREAM.INFO.QUEUE');
  return info.state.last_seq;
}

/** Resolves when so many callers wait in a process. */
const waiting = (from: Foundation, count: number) => expect.poll(() => from.queueClaims.waiting).toBe(count);

describe('a ticket of the priority queue', () => {
  it('calls for all items of a call, and names how many', async () => {
    await enqueue('many', 50);
    await expect.poll(() => callsOf('many')).toBe(1);
    const { message } = await callApi<{ message: { hdrs: string } }>(engine.foundation.link, 'STREAM.MSG.GET.QUEUE', {
      last_by_subj: 'queue.acme.many',
    });
    expect(Buffer.from(message.hdrs, 'base64').toString()).toContain('Caseload-Items: 50');
    expect(await dequeue(engine.foundation, 'many', 50)).toEqual(Array.from({ length: 50 }, (_, index) => index));
  });

  it('goes from one process to the next until all that it called for is taken', async () => {
    const takes = [engine.foundation, other, engine.foundation, other, other].map((from) =>
      dequeue(from, 'shared', 2, 20_000),
    );
    await waiting(engine.foundation, 2);
    await waiting(other, 3);
    await enqueue('shared', 9);
    const taken = await Promise.all(takes);
    expect(taken.flat().sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(taken.every((items) => items.length > 0)).toBe(true);
  });

  it('is not needed by those who wait where the items came in', async () => {
    // Who has just seen that nothing is ready goes into the line at once.
    expect(await dequeue(engine.foundation, 'near', 1)).toEqual([]);
    const take = dequeue(engine.foundation, 'near', 5, 20_000);
    await waiting(engine.foundation, 1);
    const before = await lastTicket();
    await enqueue('near', 3);
    expect(await take).toEqual([0, 1, 2]);
    await engine.foundation.link.flush();
    expect(await lastTicket()).toBe(before);
  });

  it('may be lost: a look that finds something trusts no longer that one will come', async () => {
    expect(await dequeue(engine.foundation, 'silent', 1)).toEqual([]);
    const later = new Date(Date.now() + 3_600_000);
    const items = [0, 1].map((priority) => ({
      topic: 'silent',
      payload: Buffer.from('x'),
      priority,
      deliverAfter: later,
    }));
    await engine.foundation.services.enqueue(producer, { namespace: 'acme', items });
    // They become ready, and nobody is told.
    const topic = engine.foundation.topics.known('acme', 'queue', 'silent')!;
    const pool = await engine.foundation.shard.pool();
    await pool.query(`update items set state = 'ready', deliver_after = now() where topic_id = $1`, [topic.id]);
    expect(await dequeue(engine.foundation, 'silent', 1)).toEqual([0]);
    const giveUp = new AbortController();
    const timer = setTimeout(() => giveUp.abort(), 3_000);
    const input = { namespace: 'acme', requests: [{ topic: 'silent', count: 1 }], waitMs: 20_000 };
    const { items: found } = await engine.foundation.services.dequeue(consumer, input, giveUp.signal);
    clearTimeout(timer);
    expect(found.map(({ item }) => item.priority)).toEqual([1]);
  });

  it('goes away when nothing is behind it, and those who wait go on waiting', async () => {
    const waits = dequeue(other, 'hollow', 1, 20_000);
    await waiting(other, 1);
    const topic = other.topics.known('acme', 'queue', 'hollow')!;
    await other.ledger.issue([{ topic, itemId: '01a1fb1a-64c8-7000-8000-03a5f31dfca9', priority: 0, items: 7 }]);
    await expect.poll(() => callsOf('hollow')).toBe(0);
    expect(other.queueClaims.waiting).toBe(1);
    await enqueue('hollow', 1);
    expect(await waits).toEqual([0]);
  });

  it('stays for others when a topic is paused or as many are in flight as may be', async () => {
    const { services } = engine.foundation;
    await services.upsertTopic(operator, { namespace: 'acme', name: 'narrow', maxInFlight: 1 });
    const first = dequeue(other, 'narrow', 5, 20_000);
    await waiting(other, 1);
    await enqueue('narrow', 2);
    expect(await first).toEqual([0]);
    expect(await dequeue(other, 'narrow', 5, 300)).toEqual([]);
    expect(await callsOf('narrow')).toBe(1);
    await services.pauseTopic(operator, { namespace: 'acme', topic: 'narrow' });
    await services.upsertTopic(operator, { namespace: 'acme', name: 'narrow', maxInFlight: 10 });
    const second = dequeue(other, 'narrow', 5, 20_000);
    await waiting(other, 1);
    expect(await callsOf('narrow')).toBe(1);
    await services.resumeTopic(operator, { namespace: 'acme', topic: 'narrow' });
    expect(await second).toEqual([1]);
  });

  it('is issued by the reconciler where ready items have none, and removed where nothing is ready', async () => {
    await enqueue('mended', 3);
    await expect.poll(() => callsOf('mended')).toBe(1);
    await callApi(engine.foundation.link, 'STREAM.PURGE.QUEUE', { filter: 'queue.acme.mended' });
    await reconciler.reconcile();
    await reconciler.reconcile();
    expect(await callsOf('mended')).toBe(1);
    expect(await dequeue(other, 'mended', 3)).toEqual([0, 1, 2]);
    await reconciler.reconcile();
    await reconciler.reconcile();
    expect(await callsOf('mended')).toBe(0);
  });
});
