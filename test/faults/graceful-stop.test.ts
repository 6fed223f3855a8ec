import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Told } from '../../src/load/history.ts';
import { driverClock } from '../../src/load/history.ts';
import { runLoad } from '../../src/load/run-load.ts';
import { ProgressGate, planLoad } from '../support/load-plan.ts';
import { announceSeed, limitTime, size } from '../support/long-form.ts';
import { Players } from '../support/players.ts';
import { TestSystem } from '../support/system.ts';

limitTime();

/** SIGTERM to one of two gateways under load: nobody is cut off, and nobody waits because of it. */

const seed = announceSeed('graceful stop');
const stopMsMax = 5_000;
let system: TestSystem;
let other: { readonly url: string };

beforeAll(async () => {
  system = await TestSystem.start();
  other = await system.runGateway();
  await system.runScheduler();
});
afterAll(async () => {
  await system.close();
});

/** A request that got neither a result nor an orderly refusal. */
function failed({ outcome, answer }: Told): boolean {
  return outcome === 'unknown' && answer !== 'UNAVAILABLE';
}

describe('a gateway that is told to stop', () => {
  test('under keep-alive load lets no request fail', async () => {
    const stops = size(2, 100);
    const cases = size(600, 20_000);
    const stopping = await system.spawn('gateway', 'stopping');
    const gate = new ProgressGate();
    const durations: number[] = [];
    const result = await runLoad(planLoad({ namespace: 'stopping', cases, seed }), system.target(stopping, other), {
      onProgress: gate.onProgress,
      alongside: async (_recorder, signal) => {
        for (let stop = 1; stop <= stops && !signal.aborted; stop++) {
          await gate.passed(({ decided }) => decided >= (cases * stop) / (stops + 2), signal);
          const startedMs = driverClock();
          await stopping.program.stop();
          durations.push(driverClock() - startedMs);
          await stopping.program.start();
        }
      },
    });
    expect(result.gaveUp).toBeUndefined();
    expect(result.findings.violations).toEqual([]);
    expect(result.history.told.filter(failed)).toEqual([]);
    expect(durations.filter((milliseconds) => milliseconds > stopMsMax)).toEqual([]);
    await stopping.program.kill();
  });

  test('answers those who wait for a case at once', async () => {
    const stopping = await system.spawn('gateway', 'stopping with idle waiters');
    const players = new Players(system.target(stopping, other), 'idle', seed);
    const auditor = await players.join('auditor-1', 'auditor');
    const waiting = auditor.claim(60, 25_000);
    await system.waitForPulls('idle', 1);
    const startedMs = driverClock();
    await stopping.program.stop();
    expect(driverClock() - startedMs).toBeLessThan(stopMsMax);
    expect(await waiting).toBeUndefined();
    expect(players.recorder.told.map(({ answer }) => answer)).toEqual(['NoCaseAvailable']);
    players.close();
  });

  test('while cases come for those who wait: they get them, and no ticket is left behind', async () => {
    const stopping = await system.spawn('gateway', 'stopping with waiters');
    const players = new Players(system.target(stopping, other), 'waiters', seed);
    const auditors = await Promise.all([1, 2, 3].map((n) => players.join(`auditor-${n}`, 'auditor')));
    const waiting = auditors.map((auditor) => auditor.claim(60, 25_000));
    await system.waitForPulls('waiters', 1);
    const stopped = stopping.program.stop();
    const applicant = await players.join('applicant-1', 'applicant', 1);
    const ids = await Promise.all(auditors.map(() => applicant.register()));
    await stopped;
    const again = await Promise.all(
      auditors.map(async (auditor, n) => (await waiting[n]) ?? (await auditor.claim(60, 25_000))),
    );
    expect(again.map((held) => held?.caseId).sort()).toEqual([...ids].sort());
    expect(players.recorder.told.filter(failed)).toEqual([]);
    await Promise.all(auditors.map((auditor, n) => auditor.decide(again[n]!)));
    expect((await players.judge()).violations).toEqual([]);
    players.close();
  });
});
