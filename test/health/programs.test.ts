import { afterAll, beforeAll, expect, it } from 'vitest';
import { findFreePort } from '../../src/embedded/ports.ts';
import type { ProgramKind } from '../../src/load/child-program.ts';
import { Players } from '../support/players.ts';
import type { SpawnedProgram } from '../support/system.ts';
import { TestSystem } from '../support/system.ts';

/** Each program alone, on a port for its health and metrics. */

let system: TestSystem;
beforeAll(async () => {
  system = await TestSystem.start();
});
afterAll(() => system.close());

interface Started extends SpawnedProgram {
  readonly health: string;
}

async function start(kind: ProgramKind): Promise<Started> {
  const port = await findFreePort();
  const spawned = await system.spawn(kind, kind, {}, { HEALTH_PORT: String(port) });
  return { ...spawned, health: `http://127.0.0.1:${port}` };
}

async function read(url: string): Promise<{ readonly status: number; readonly text: string }> {
  const answer = await fetch(url);
  return { status: answer.status, text: await answer.text() };
}

async function readMetrics({ health }: Started): Promise<string> {
  return (await read(`${health}/metrics`)).text;
}

it('gateway, scheduler and worker tell their health and count on a port of their own', async () => {
  const [gateway, scheduler, worker] = await Promise.all([start('gateway'), start('scheduler'), start('worker')]);
  for (const { health } of [gateway, scheduler, worker]) {
    expect(await read(`${health}/livez`)).toEqual({ status: 200, text: 'ok\n' });
    await expect.poll(async () => (await read(`${health}/readyz`)).status).toBe(200);
    expect((await read(`${health}/graphql`)).status).toBe(404);
    expect((await fetch(`${health}/metrics`, { method: 'POST' })).status).toBe(405);
  }
  // Where clients come, nobody is told how much there is to do.
  expect((await read(`${gateway.url}/metrics`)).status).toBe(404);
  expect((await read(`${gateway.url}/readyz`)).status).toBe(200);

  const players = new Players(system.target(gateway), 'counted');
  const applicant = await players.join('applicant-1', 'applicant');
  const auditor = await players.join('auditor-1', 'auditor');
  await applicant.register();
  await applicant.register();
  await auditor.claim(60);
  players.close();
  expect(await readMetrics(gateway)).toMatch(
    /caseload_operations_total\{operation="register",outcome="ok",[^}]*\} 2\n/,
  );
  const measured = await system.measure();
  expect(measured.topics).toEqual([
    expect.objectContaining({ system: 'cases', namespace: 'counted', waiting: 1, leased: 1, delayed: 0, dead: 0 }),
  ]);
  expect(await readMetrics(scheduler)).toContain('caseload_backlog_measured_timestamp_seconds{shard="0"');
  expect(await readMetrics(worker)).toContain('caseload_task_attempts_succeeded_total{program="worker"} 0');
  for (const { program } of [gateway, scheduler, worker]) await program.stop();
});
