import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callApi } from '../../src/jetstream/api.ts';
import { createLogger } from '../../src/log.ts';
import { TicketReconciler } from '../../src/scheduler/reconcile-tickets.ts';
import type { TestEngine } from '../support/engine.ts';
import { actor, alice, application, never, startEngine } from '../support/engine.ts';

let engine: TestEngine;
let reconciler: TicketReconciler;
beforeAll(async () => {
  engine = await startEngine();
  const { shard, topics, ledger } = engine.foundation;
  reconciler = new TicketReconciler(shard, topics, ledger, createLogger('test', 'fatal'));
});
afterAll(() => engine.stop());

const register = (topic: string) => engine.foundation.services.register(alice, { ...application, topic });
const claim = (who: string, topic: string) =>
  engine.foundation.services.claimNextCase(
    actor(who, 'auditor'),
    { namespace: 'acme', topics: [topic], waitMs: 0 },
    never,
  );

async function ticketsOf(topic: string): Promise<number> {
  const counts = await engine.foundation.tickets.countTickets('cases');
  return counts.find((count) => count.topic === topic)?.tickets ?? 0;
}

const purge = (topic: string) =>
  callApi(engine.foundation.link, 'STREAM.PURGE.CASES', { filter: `cases.acme.${topic}` });

describe('the ticket reconciler', () => {
  it('leaves right counts alone', async () => {
    for (let index = 0; index < 3; index++) await register('calm');
    await expect.poll(() => ticketsOf('calm')).toBe(3);
    expect(await reconciler.reconcile()).toBe(false);
    expect(await reconciler.reconcile()).toBe(false);
    expect(reconciler.counts).toEqual({ issued: 0, removed: 0 });
  });

  it('issues missing tickets, once they were missing in two rounds', async () => {
    for (let index = 0; index < 5; index++) await register('lossy');
    await expect.poll(() => ticketsOf('lossy')).toBe(5);
    await purge('lossy');
    await reconciler.reconcile();
    expect(await ticketsOf('lossy')).toBe(0);
    await reconciler.reconcile();
    expect(await ticketsOf('lossy')).toBe(5);
    expect(await reconciler.reconcile()).toBe(false);
  });

  it('removes surplus tickets, but none that stands for a lease', async () => {
    await register('rich');
    await register('rich');
    await expect.poll(() => ticketsOf('rich')).toBe(2);
    expect(await claim('ann', 'rich')).toMatchObject({ kind: 'claimed' });
    const topic = engine.foundation.topics.known('acme', 'cases', 'rich')!;
    await engine.foundation.ledger.issue(
      Array.from({ length: 4 }, () => ({ topic, itemId: '01a1fb1a-64c8-7000-8000-03a5f31dfca9', priority: 0 })),
    );
    expect(await ticketsOf('rich')).toBe(6);
    await reconciler.reconcile();
    await reconciler.reconcile();
    expect(await ticketsOf('rich')).toBe(2);
    expect(await claim('ben', 'rich')).toMatchObject({ kind: 'claimed' });
  });

  it('lets a claimer ack surplus tickets away by itself', async () => {
    await register('spent');
    await expect.poll(() => ticketsOf('spent')).toBe(1);
    const topic = engine.foundation.topics.known('acme', 'cases', 'spent')!;
    await engine.foundation.ledger.issue(
      Array.from({ length: 3 }, () => ({ topic, itemId: '01a1fb1a-64c8-7000-8000-03a5f31dfca9', priority: 0 })),
    );
    expect(await claim('cleo', 'spent')).toMatchObject({ kind: 'claimed' });
    await expect
      .poll(async () => {
        await claim('dan', 'spent');
        return ticketsOf('spent');
      })
      .toBe(1);
  });

  it('builds everything anew when the streams are gone, leases included', async () => {
    for (let index = 0; index < 6; index++) await register('wiped');
    expect(await claim('eve', 'wiped')).toMatchObject({ kind: 'claimed' });
    const held = await claim('fay', 'wiped');
    await callApi(engine.foundation.link, 'STREAM.DELETE.CASES');
    await reconciler.reconcile();
    await reconciler.reconcile();
    expect(await ticketsOf('wiped')).toBe(6);
    // The four that wait are handed out; the two tickets behind leases find their leases again instead of going away.
    for (const who of ['g1', 'g2', 'g3', 'g4']) expect(await claim(who, 'wiped')).toMatchObject({ kind: 'claimed' });
    expect(await claim('g5', 'wiped')).toMatchObject({ kind: 'none', emptiness: { reason: 'ALL_HELD' } });
    await reconciler.reconcile();
    await reconciler.reconcile();
    expect(await ticketsOf('wiped')).toBe(6);
    if (held.kind !== 'claimed') throw new Error(held.kind);
    const decided = await engine.foundation.services.decide(actor('fay', 'auditor'), {
      caseId: held.held.case.id,
      leaseToken: held.held.lease!.token,
      verdict: 'APPROVE',
    });
    expect(decided.kind).toBe('decided');
  });
});
