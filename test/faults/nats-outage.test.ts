import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Told } from '../../src/load/history.ts';
import { driverClock } from '../../src/load/history.ts';
import { runLoad } from '../../src/load/run-load.ts';
import { ProgressGate, planLoad } from '../support/load-plan.ts';
import { announceSeed, limitTime, size } from '../support/long-form.ts';
import type { Player } from '../support/players.ts';
import { Players } from '../support/players.ts';
import type { RunningProgram } from '../support/system.ts';
import { TestSystem } from '../support/system.ts';
import { waitUntil } from '../support/wait-until.ts';

limitTime();

/** NATS down is slow, not broken: PostgreSQL alone carries register, claim and decide until it is back. */

const seed = announceSeed('nats outage');
const cases = size(300, 10_000);
let system: TestSystem;
let gateways: readonly RunningProgram[];

beforeAll(async () => {
  system = await TestSystem.start();
  gateways = await Promise.all([system.runGateway(), system.runGateway()]);
  await system.runScheduler();
});
afterAll(async () => {
  await system.close();
});

async function ticketsMatchRows(namespace: string): Promise<boolean> {
  const { tickets, shard } = gateways[0]!.foundation;
  // Not connected again, or the stream not made again yet.
  const counts = await tickets.countTickets('cases').catch(() => undefined);
  if (counts === undefined) return false;
  const held = counts.find((count) => count.namespace === namespace)?.tickets ?? 0;
  const rows = await shard.run<{ open: number }>(
    { name: 'test-open', text: 'select count(*)::float8 as open from items where namespace = $1' },
    [namespace],
  );
  return rows[0]!.open === held;
}

function slowest(told: readonly Told[]): number {
  return Math.max(...told.map((entry) => entry.endedMs - entry.startedMs));
}

describe('nats-server', () => {
  test('stopped under load: everything goes on, and afterwards the tickets match the rows', async () => {
    const gate = new ProgressGate();
    let downMs = Number.POSITIVE_INFINITY;
    let upMs = Number.NEGATIVE_INFINITY;
    const result = await runLoad(planLoad({ namespace: 'stopped', cases, seed }), system.target(...gateways), {
      onProgress: gate.onProgress,
      alongside: async (_recorder, signal) => {
        await gate.passed(({ decided }) => decided >= cases * 0.2, signal);
        await system.stopNats();
        downMs = driverClock();
        const { registered, decided } = gate.progress;
        await gate.passed(
          (now) => now.registered >= registered + cases * 0.1 && now.decided >= decided + cases * 0.2,
          signal,
        );
        upMs = driverClock();
        await system.startNats({ wipe: false });
      },
    });
    expect(result.gaveUp).toBeUndefined();
    expect(result.findings.violations).toEqual([]);
    const during = result.history.told.filter((told) => told.startedMs > downMs && told.endedMs < upMs);
    expect(during.filter((told) => told.outcome !== 'ok' && told.answer !== 'NoCaseAvailable')).toEqual([]);
    expect(slowest(during.filter((told) => told.verb !== 'claim'))).toBeLessThan(2_000);
    // One that was put aside while its case was decided comes back when the lease would have ended.
    await waitUntil('tickets match the rows', () => ticketsMatchRows('stopped'), 70_000);
  });

  test('stopped while cases are decided and others come: who waits gets those when it is back', async () => {
    const players = new Players(system.target(...gateways), 'masked', seed);
    const applicant = await players.join('applicant-1', 'applicant');
    const auditors = await Promise.all([1, 2, 3].map((n) => players.join(`auditor-${n}`, 'auditor', n)));
    for (const _ of auditors) await applicant.register();
    const held = await Promise.all(auditors.map((auditor) => auditor.claim(600, 5_000)));
    await system.stopNats();
    // Their tickets cannot be acknowledged: three tickets under a timer of ten minutes stay behind.
    await Promise.all(auditors.map((auditor, n) => auditor.decide(held[n]!)));
    const ids = await Promise.all(auditors.map(() => applicant.register()));
    await system.startNats({ wipe: false });
    const next = await Promise.all(auditors.map((auditor) => auditor.claim(600, 20_000)));
    expect(next.map((lease) => lease?.caseId).sort()).toEqual([...ids].sort());
    await Promise.all(auditors.map((auditor, n) => auditor.decide(next[n]!)));
    expect((await players.judge()).violations).toEqual([]);
    await waitUntil('tickets match the rows', () => ticketsMatchRows('masked'));
    players.close();
  });

  test('comes back without its streams: a backlog is offered again, every case of it once', async () => {
    const namespace = 'backlog';
    const backlog = size(200, 20_000);
    const players = new Players(system.target(...gateways), namespace, seed);
    const applicants = await Promise.all(
      Array.from({ length: 20 }, (_, n) => players.join(`applicant-${n}`, 'applicant', n)),
    );
    await Promise.all(
      applicants.map(async (applicant) => {
        for (let n = 0; n < backlog / applicants.length; n++) await applicant.register();
      }),
    );
    const holder = await players.join('holder', 'auditor');
    const held = await holder.claim(600, 5_000);
    const fromMs = driverClock();
    await system.stopNats();
    await system.startNats({ wipe: true });
    await waitUntil('tickets match the rows', () => ticketsMatchRows(namespace));
    players.recorder.disturbances.push({ what: 'nats-server', fromMs, toMs: driverClock() });
    const auditors = await Promise.all(Array.from({ length: 8 }, (_, n) => players.join(`auditor-${n}`, 'auditor', n)));
    const decided = await Promise.all(auditors.map(workOff));
    await holder.decide(held!);
    expect(decided.flat().length).toBe(backlog - 1);
    expect(new Set(decided.flat()).size).toBe(backlog - 1);
    expect((await players.judge()).violations).toEqual([]);
    await waitUntil('tickets match the rows', () => ticketsMatchRows(namespace));
    players.close();
  });

  test('comes back without its streams under load: nothing is lost, nothing twice', async () => {
    const gate = new ProgressGate();
    const plan = planLoad({ namespace: 'wiped', cases, seed, auditors: 6, registrars: 8 });
    const result = await runLoad(plan, system.target(...gateways), {
      onProgress: gate.onProgress,
      alongside: async (recorder, signal) => {
        await gate.passed(({ decided }) => decided > cases * 0.3, signal);
        const fromMs = driverClock();
        await system.stopNats();
        await system.startNats({ wipe: true });
        recorder.disturbances.push({ what: 'nats-server', fromMs, toMs: driverClock() });
      },
    });
    expect(result.gaveUp).toBeUndefined();
    expect(result.findings.violations).toEqual([]);
    await waitUntil('tickets match the rows', () => ticketsMatchRows('wiped'));
  });
});

/** Claims and decides until there is nothing left. @returns the cases that it decided */
async function workOff(auditor: Player): Promise<string[]> {
  const ids: string[] = [];
  for (;;) {
    const held = await auditor.claim(60, 500);
    if (held === undefined) return ids;
    const { type } = await auditor.decide(held);
    if (type === 'CaseDecided') ids.push(held.caseId);
  }
}
