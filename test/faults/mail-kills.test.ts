import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRandom } from '../../src/load/random.ts';
import type { TestEngine } from '../support/engine.ts';
import { alice, application, startEngine, testSecret } from '../support/engine.ts';
import { announceSeed, limitTime, size } from '../support/long-form.ts';
import type { RunningModule } from '../support/run-module.ts';
import { runModule } from '../support/run-module.ts';
import { uniqueDirectory } from '../support/servers.ts';
import { TestSmtpServer } from '../support/smtp-server.ts';

limitTime();

/**
 * Workers are killed at random while they send the mails of cases, and the server refuses, delays and drops meanwhile.
 * Each case's mail must arrive, with one Message-ID, and twice only where a kill or a lost answer made it uncertain.
 */

const cases = size(60, 1_000);
const kills = size(4, 100);
let engine: TestEngine;
let server: TestSmtpServer;
beforeAll(async () => {
  server = await TestSmtpServer.start();
  engine = await startEngine({ CASE_TASKS: 'confirmation-mail' });
  await engine.startScheduler();
});
afterAll(async () => {
  await engine.stop();
  await server.stop();
});

const program = fileURLToPath(new URL('../tasks/mail-worker-process.ts', import.meta.url));
const start = (): RunningModule =>
  runModule(`await import(${JSON.stringify(program)});`, {
    PATH: process.env.PATH,
    DATABASE_URLS: engine.database.url,
    NATS_URL: engine.nats.url,
    AUTH_SECRET: testSecret,
    BLOB_URL: `fs:${uniqueDirectory('mail-kill-blobs')}`,
    SMTP_URL: server.url,
    MAIL_FROM: 'Caseload <cases@example.com>',
    MAIL_SEND_SECONDS: '1',
  });

test('killed workers lose no mail and send none twice that they need not', async () => {
  const random = createRandom(announceSeed('mail kills'), 'kills');
  const workers = [start(), start()];
  const addresses = Array.from({ length: cases }, (_, number) => `applicant-${number}@example.com`);
  const register = async (email: string): Promise<void> => {
    const applicant = { name: 'Zoë Smith', email };
    const result = await engine.foundation.services.register(alice, { ...application, applicant });
    expect(result.kind).toBe('registered');
  };
  const share = Math.ceil(cases / kills);
  let lostAnswers = 0;
  for (let kill = 0; kill < kills; kill++) {
    await workers[kill % 2]!.firstLine;
    server.plan(
      { do: 'refuse', at: 'recipient', code: 451, text: '4.7.1 come back later' },
      { do: 'accept' },
      { do: 'accept and drop' },
      { do: 'drop before data' },
    );
    lostAnswers += 1;
    await Promise.all(addresses.slice(kill * share, (kill + 1) * share).map(register));
    await delay(random() * 60);
    const victim = workers[kill % 2]!;
    victim.child.kill('SIGKILL');
    await victim.exited;
    workers[kill % 2] = start();
  }
  const statement = `select count(*)::integer as open from tasks where outcome is distinct from 'SUCCEEDED'`;
  const pool = await engine.foundation.shard.pool();
  await expect.poll(async () => (await pool.query(statement)).rows, { timeout: 50_000 }).toEqual([{ open: 0 }]);
  for (const address of addresses) expect(server.toldApart(address), address).toHaveLength(1);
  // One process has at most four mails on their way when it is killed.
  expect(server.received.length - cases).toBeLessThanOrEqual(kills * 4 + lostAnswers);
  const uncertain = await pool.query(`select id from mails where status <> 'SENT'`);
  expect(uncertain.rows).toEqual([]);
  for (const worker of workers) worker.child.kill('SIGKILL');
  for (const worker of workers) await worker.exited;
});
