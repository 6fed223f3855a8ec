import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Foundation } from '../../src/compose.ts';
import type { TestEngine } from '../support/engine.ts';
import { actor, alice, application, never, startEngine } from '../support/engine.ts';

let engine: TestEngine;
let other: Foundation;
beforeAll(async () => {
  engine = await startEngine({ CASES_HELD_PER_PERSON: '10' });
  other = await engine.another();
});
afterAll(() => engine.stop());

let claimer = 0;
async function claimOne(foundation: Foundation, topic: string): Promise<{ id: string; priority: number }> {
  const input = { namespace: 'acme', topics: [topic], waitMs: 0 };
  const result = await foundation.services.claimNextCase(actor(`claimer-${++claimer}`, 'auditor'), input, never);
  if (result.kind !== 'claimed') throw new Error(result.kind);
  return { id: result.held.case.id, priority: result.held.case.priority };
}

async function registerOne(foundation: Foundation, topic: string, priority: number): Promise<string> {
  const result = await foundation.services.register(alice, { ...application, topic, priority });
  if (result.kind !== 'registered') throw new Error(result.kind);
  return result.held.case.id;
}

describe('the order law with the head hint', () => {
  it('is exact within one process, however priorities come in', async () => {
    const waiting: number[] = [];
    let seed = 7;
    for (let step = 0; step < 150; step++) {
      seed = (seed * 48_271) % 2_147_483_647;
      if (waiting.length === 0 || seed % 3 !== 0) {
        const priority = (seed % 41) - 20;
        await registerOne(engine.foundation, 'exact', priority);
        waiting.push(priority);
      } else {
        waiting.sort((a, b) => a - b);
        expect((await claimOne(engine.foundation, 'exact')).priority).toBe(waiting.shift());
      }
    }
  });

  it('hides what another process registered for no longer than the hint’s second', async () => {
    for (let index = 0; index < 20; index++) await registerOne(engine.foundation, 'shared', 10);
    await claimOne(engine.foundation, 'shared');
    const best = await registerOne(other, 'shared', -5);
    // Usually seen at once; the bound is one second.
    const deadline = performance.now() + 1_200;
    const seen: string[] = [];
    while (performance.now() < deadline && !seen.includes(best) && seen.length < 19)
      seen.push((await claimOne(engine.foundation, 'shared')).id);
    expect(seen).toContain(best);
    expect(seen.indexOf(best)).toBeLessThanOrEqual(1);
  });

  it('never passes over what only an earlier claimer may not take', async () => {
    const ids: string[] = [];
    for (const priority of [0, 1, 2]) ids.push(await registerOne(engine.foundation, 'left', priority));
    const bob = actor('bob', 'auditor');
    const input = { namespace: 'acme', topics: ['left'], waitMs: 0 };
    const first = await engine.foundation.services.claimNextCase(bob, input, never);
    if (first.kind !== 'claimed') throw new Error(first.kind);
    await engine.foundation.services.releaseCase(bob, { caseId: ids[0]!, leaseToken: first.held.lease!.token });
    const second = await engine.foundation.services.claimNextCase(bob, input, never);
    expect(second).toMatchObject({ kind: 'claimed', held: { case: { id: ids[1] } } });
    expect((await claimOne(engine.foundation, 'left')).id).toBe(ids[0]);
    expect((await claimOne(engine.foundation, 'left')).id).toBe(ids[2]);
  });

  it('finds what was given back below the hint', async () => {
    const released = await registerOne(engine.foundation, 'returned', 0);
    for (let index = 0; index < 5; index++) await registerOne(engine.foundation, 'returned', 1);
    const holder = actor('holder', 'auditor');
    const input = { namespace: 'acme', topics: ['returned'], waitMs: 0 };
    const held = await engine.foundation.services.claimNextCase(holder, input, never);
    await claimOne(engine.foundation, 'returned');
    if (held.kind !== 'claimed') throw new Error(held.kind);
    await other.services.releaseCase(holder, { caseId: released, leaseToken: held.held.lease!.token });
    const next = [await claimOne(engine.foundation, 'returned'), await claimOne(engine.foundation, 'returned')];
    expect(next.map(({ id }) => id)).toContain(released);
  });
});
