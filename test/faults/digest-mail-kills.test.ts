import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRandom } from '../../src/load/random.ts';
import { digestOf, saveProvider, submit, supervisor } from '../digests/digest-engine.ts';
import type { TestEngine } from '../support/engine.ts';
import { actor, startEngine, testSecret } from '../support/engine.ts';
import { announceSeed, isLongForm, limitTime } from '../support/long-form.ts';
import type { RunningModule } from '../support/run-module.ts';
import { runModule } from '../support/run-module.ts';
import { uniqueDirectory } from '../support/servers.ts';
import { TestSmtpServer } from '../support/smtp-server.ts';

limitTime();

/**
 * Workers are killed at random while they send digests, and the server refuses and drops meanwhile. Nobody gets a second
 * mail, whatever died when; those of which nobody knows are held, and go on when the server's log has been looked at.
 */

const kills = 40;
const digestsPerKill = 8;
const operator = actor('olga', 'operator');
let engine: TestEngine;
let server: TestSmtpServer;
beforeAll(async () => {
  server = await TestSmtpServer.start();
  engine = await startEngine();
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
    BLOB_URL: `fs:${uniqueDirectory('digest-kill-blobs')}`,
    SMTP_URL: server.url,
    MAIL_FROM: 'Caseload <digests@example.com>',
    MAIL_SEND_SECONDS: '1',
  });
const receivedBy = (address: string) => server.received.filter(({ envelopeTo }) => envelopeTo.includes(address)).length;

async function untilSettled(): Promise<void> {
  const pool = await engine.foundation.shard.pool();
  const open = `select count(*)::integer as open from digests where state in ('OPEN', 'SEALED', 'SENDING')`;
  await expect.poll(async () => (await pool.query(open)).rows, { timeout: 90_000 }).toEqual([{ open: 0 }]);
}

test.runIf(isLongForm)('killed workers hand no second mail of a digest to the server', async () => {
  const random = createRandom(announceSeed('digest mail kills'), 'kills');
  const { services } = engine.foundation;
  const workers = [start(), start()];
  const names = Array.from({ length: kills * digestsPerKill }, (_, number) => `p-${number}`);
  for (let kill = 0; kill < kills; kill++) {
    await workers[kill % 2]!.firstLine;
    server.plan(
      { do: 'refuse', at: 'recipient', code: 451, text: '4.7.1 come back later' },
      { do: 'accept' },
      { do: 'accept and drop' },
      { do: 'drop before data' },
    );
    for (const name of names.slice(kill * digestsPerKill, (kill + 1) * digestsPerKill)) {
      await saveProvider(engine.foundation, name);
      const { id } = await digestOf(engine.foundation, (await submit(engine.foundation, name)).id);
      await services.flushDigest(supervisor, { digestId: id });
    }
    // Due digests are announced within a second: somewhere in the midst of their mails.
    await delay(random() * 1_200);
    const victim = workers[kill % 2]!;
    victim.child.kill('SIGKILL');
    await victim.exited;
    workers[kill % 2] = start();
  }
  await untilSettled();
  const uncertain: string[] = [];
  for (let after: string | null = null; ; ) {
    const filter = { status: ['UNCERTAIN'] as const };
    const page = await services.listMails(operator, { namespace: 'acme', first: 100, after, filter });
    uncertain.push(...page.edges.map(({ node }) => node.recipient));
    for (const { node } of page.edges) {
      // What the server's log says.
      const outcome = receivedBy(node.recipient) === 1 ? 'SENT' : 'SEND_AGAIN';
      await services.settleMail(operator, { mailId: node.id, outcome, reason: 'by the log of the server' });
    }
    if (!page.hasNextPage) break;
    after = page.edges.at(-1)!.cursor;
  }
  console.info(`digest mail kills: ${kills} kills, ${names.length} digests, ${uncertain.length} held`);
  for (const name of names) {
    const address = `${name}@example.com`;
    expect(receivedBy(address), address).toBeLessThanOrEqual(1);
    if (receivedBy(address) === 0) expect(uncertain).toContain(address);
  }
  const pool = await engine.foundation.shard.pool();
  const unsent = `select count(*)::integer as unsent from digests where state <> 'SENT'`;
  await expect.poll(async () => (await pool.query(unsent)).rows, { timeout: 90_000 }).toEqual([{ unsent: 0 }]);
  for (const name of names) expect(receivedBy(`${name}@example.com`), name).toBe(1);
  for (const worker of workers) worker.child.kill('SIGKILL');
  for (const worker of workers) await worker.exited;
});
