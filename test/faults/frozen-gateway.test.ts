import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { limitTime, size } from '../support/long-form.ts';
import { Players } from '../support/players.ts';
import { TestSystem } from '../support/system.ts';

limitTime();

/**
 * A gateway that stops for a while without dying (a machine that is suspended, a container that is throttled): its
 * connections stay open, so NATS goes on giving it tickets, and what it was about to do it does when it wakes.
 */

const leaseSeconds = 2;
const rounds = size(1, 20);
let system: TestSystem;
let healthy: { readonly url: string };

beforeAll(async () => {
  system = await TestSystem.start();
  healthy = await system.runGateway();
  await system.runScheduler();
});
afterAll(async () => {
  await system.close();
});

describe('a gateway that is frozen for longer than its leases', () => {
  test('has no effect after it wakes, and its cases are offered to others meanwhile', async () => {
    const frozen = await system.spawn('gateway', 'frozen');
    for (let round = 0; round < rounds; round++) {
      const players = new Players(system.target(frozen, healthy), `frozen-${round}`);
      const alone = new Players(system.target(frozen), `frozen-${round}`);
      const applicant = await players.join('applicant-1', 'applicant', 1);
      const held = await players.join('holder', 'auditor');
      const first = await applicant.register();
      const lease = (await held.claim(leaseSeconds, 10_000))!;
      expect(lease.caseId).toBe(first);

      // Waits at the gateway that is about to freeze, so that it has a pull open and gets the next ticket.
      const waiter = await alone.join('waiter', 'auditor');
      const waiting = waiter.claim(leaseSeconds, 25_000).catch(() => undefined);
      await system.waitForPulls(players.namespace, 1);
      const asleep = await alone.join('holder', 'auditor');
      frozen.program.freeze();
      // Sent, but not read before it wakes.
      const lateDecision = asleep.decide(lease);
      const second = await applicant.register();

      const others = await Promise.all([1, 2].map((n) => players.join(`other-${n}`, 'auditor', 1)));
      const taken = await Promise.all(others.map((other) => other.claim(60, 25_000)));
      expect(taken.map((other) => other?.caseId).sort()).toEqual([first, second].sort());

      await delay(leaseSeconds * 1_000);
      frozen.program.thaw();
      expect((await lateDecision).type).toBe('LeaseLost');
      const decided = await Promise.all(others.map((other, n) => other.decide(taken[n]!)));
      expect(decided.map(({ type }) => type)).toEqual(['CaseDecided', 'CaseDecided']);
      // What it found when it woke was a ticket without a case; it works as before with the next one.
      const third = await applicant.register();
      const last = await waiting;
      expect(last?.caseId).toBe(third);
      await waiter.decide(last!);

      players.recorder.told.push(...alone.recorder.told);
      expect((await players.judge()).violations).toEqual([]);
      players.close();
      alone.close();
    }
  });
});
