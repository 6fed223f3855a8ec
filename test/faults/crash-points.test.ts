import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CrashPoint } from '../../src/crash-point.ts';
import { limitTime, size } from '../support/long-form.ts';
import { Players } from '../support/players.ts';
import type { SpawnedProgram } from '../support/system.ts';
import { TestSystem } from '../support/system.ts';

limitTime();

/**
 * A gateway dies exactly between two steps. A second gateway and a scheduler live on; clients repeat what they asked
 * under the same keys. Everything must heal by itself: nothing lost, nothing twice, and nobody who waits for a case
 * waits longer than the lease and five seconds.
 */

const leaseSeconds = 2;
const waitMs = 25_000;
const deaths = size(1, 20);
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

async function withDoomedGateways(
  point: CrashPoint,
  body: (players: Players, doomed: SpawnedProgram) => Promise<void>,
): Promise<void> {
  for (let death = 1; death <= deaths; death++) await withDoomedGateway(point, death, body);
}

async function withDoomedGateway(
  point: CrashPoint,
  death: number,
  body: (players: Players, doomed: SpawnedProgram) => Promise<void>,
): Promise<void> {
  const doomed = await system.spawn('gateway', `doomed at ${point} ${death}`, { CASELOAD_CRASH_AT: point });
  const players = new Players(system.target(doomed, healthy), `${point.replaceAll('_', '-')}-${death}`);
  try {
    await body(players, doomed);
    const findings = await players.judge();
    expect(findings.violations).toEqual([]);
  } finally {
    players.close();
    await doomed.program.kill();
  }
}

// Side by side, each in a namespace of its own: most of the time is spent waiting.
describe.concurrent('a gateway dies', () => {
  test('between the commit of a registration and its ticket', async () => {
    await withDoomedGateways('register_after_commit', async (players, doomed) => {
      const auditor = await players.join('auditor-1', 'auditor', 1);
      const claiming = auditor.claim(leaseSeconds, waitMs);
      const applicant = await players.join('applicant-1', 'applicant');
      const caseId = await applicant.register();
      await doomed.program.exited;
      const held = await claiming;
      expect(held?.caseId).toBe(caseId);
      expect((await auditor.decide(held!)).type).toBe('CaseDecided');
    });
  });

  test('between the pull of a ticket and the pick', async () => {
    await withDoomedGateways('claim_after_pull', async (players, doomed) => {
      const victim = await players.join('auditor-1', 'auditor');
      const neverAnswered = victim.claim(leaseSeconds, waitMs).catch(() => undefined);
      await system.waitForPulls(players.namespace, 1);
      // Waits in line behind it, at the other gateway: the ticket is gone, and nothing tells this one of the case.
      const bystander = await players.join('auditor-2', 'auditor', 1);
      const claiming = bystander.claim(leaseSeconds, waitMs);
      await system.waitForPulls(players.namespace, 2);
      const applicant = await players.join('applicant-1', 'applicant', 1);
      const caseId = await applicant.register();
      await doomed.program.exited;
      victim.leave();
      await neverAnswered;
      const held = await claiming;
      expect(held?.caseId).toBe(caseId);
      expect((await bystander.decide(held!)).type).toBe('CaseDecided');
    });
  });

  test('between the commit of a claim and its answer', async () => {
    await withDoomedGateways('claim_after_commit', async (players, doomed) => {
      const applicant = await players.join('applicant-1', 'applicant', 1);
      const caseId = await applicant.register();
      const victim = await players.join('auditor-1', 'auditor');
      const held = await victim.claim(leaseSeconds, waitMs);
      await doomed.program.exited;
      // Asked again at the other gateway: it finds its case.
      expect(held?.caseId).toBe(caseId);
      expect(players.recorder.told.at(-1)?.answer).toBe('ClaimLimitReached');
      const bystander = await players.join('auditor-2', 'auditor', 1);
      // It never comes back: the next one gets the case when the lease is over.
      const next = await bystander.claim(leaseSeconds, waitMs);
      expect(next?.caseId).toBe(caseId);
      expect((await victim.decide(held!)).type).toBe('LeaseLost');
      expect((await bystander.decide(next!)).type).toBe('CaseDecided');
    });
  });

  test('between the commit of a decision and the acknowledgement of its ticket', async () => {
    await withDoomedGateways('decide_after_commit', async (players, doomed) => {
      const applicant = await players.join('applicant-1', 'applicant', 1);
      const caseId = await applicant.register();
      const auditor = await players.join('auditor-1', 'auditor');
      const held = await auditor.claim(leaseSeconds, waitMs);
      const decided = await auditor.decide(held!, 'REJECT');
      await doomed.program.exited;
      expect(decided).toMatchObject({ type: 'CaseDecided', caseId, verdict: 'REJECT' });
      // The ticket without a case finds nobody a case.
      const bystander = await players.join('auditor-2', 'auditor', 1);
      expect(await bystander.claim(leaseSeconds, leaseSeconds * 1_000 + 500)).toBeUndefined();
    });
  });
});
