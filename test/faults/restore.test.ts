import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { backUp, restore } from '../../src/cli/backup.ts';
import { provision } from '../../src/jetstream/provision.ts';
import { driverClock } from '../../src/load/history.ts';
import { runLoad } from '../../src/load/run-load.ts';
import { ProgressGate, planLoad } from '../support/load-plan.ts';
import { announceSeed, limitTime, size } from '../support/long-form.ts';
import { uniqueDirectory } from '../support/servers.ts';
import { TestSystem } from '../support/system.ts';
import { waitUntil } from '../support/wait-until.ts';

limitTime();

/**
 * The rehearsal of the manual's chapter on restoring, under load: programs stopped, the database written to a folder,
 * everything wiped, brought back, started. Clients only go on asking.
 */

const seed = announceSeed('restore');
let system: TestSystem;

beforeAll(async () => {
  system = await TestSystem.start();
});
afterAll(async () => {
  await system.close();
});

async function wipeDatabase(): Promise<void> {
  const client = new Client({ connectionString: system.databaseUrl });
  await client.connect();
  await client.query('drop schema public cascade; create schema public');
  await client.end();
}

it('nothing is lost when database and streams are wiped and the backup is brought back', async () => {
  const cases = size(200, 10_000);
  const gateway = await system.spawn('gateway', 'gateway');
  const scheduler = await system.spawn('scheduler', 'scheduler');
  const gate = new ProgressGate();
  const folder = uniqueDirectory('rehearsal');
  let rows = 0;
  const result = await runLoad(planLoad({ namespace: 'restored', cases, seed }), system.target(gateway), {
    onProgress: gate.onProgress,
    alongside: async (recorder, signal) => {
      await gate.passed(({ decided }) => decided >= cases / 3, signal);
      const fromMs = driverClock();
      await Promise.all([gateway.program.stop(), scheduler.program.stop()]);
      await backUp([system.databaseUrl], folder);
      await wipeDatabase();
      await system.stopNats();
      await system.startNats({ wipe: true });
      rows = await restore([system.databaseUrl], folder);
      const link = await system.link();
      await waitUntil('NATS is connected', () => link.connected);
      await provision(link);
      await Promise.all([gateway.program.start(), scheduler.program.start()]);
      recorder.disturbances.push({ what: 'restore', fromMs, toMs: driverClock() });
    },
  });
  expect(rows).toBeGreaterThan(cases);
  expect(result.gaveUp).toBeUndefined();
  expect(result.findings.violations).toEqual([]);
  // Every ticket has been made again from the rows, and is gone with its case. One that met a lease of before the backup
  // was put aside until that lease would have ended.
  await waitUntil(
    'no ticket is left',
    async () => {
      const load = await system.readLoad('restored');
      return load === undefined || load.fresh + load.outstanding === 0;
    },
    70_000,
  );
  await gateway.program.stop();
  await scheduler.program.stop();
});
