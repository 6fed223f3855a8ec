import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CrashPoint } from '../../src/crash-point.ts';
import { digestOf, saveProvider, submit, supervisor, timelineOf, untilDigest } from '../digests/digest-engine.ts';
import { isLongForm, limitTime } from '../support/long-form.ts';
import { TestSmtpServer } from '../support/smtp-server.ts';
import type { RunningProgram } from '../support/system.ts';
import { TestSystem } from '../support/system.ts';

limitTime();

/**
 * A worker dies exactly between two steps of a digest. Whatever was half done, the next worker ends it: each request is
 * in one digest, and no second mail is handed to the server.
 */

const points: readonly CrashPoint[] = isLongForm
  ? ['seal_after_commit', 'mail_before_send', 'mail_after_send', 'digest_after_send', 'finish_after_commit']
  : ['seal_after_commit', 'digest_after_send'];

let system: TestSystem;
let server: TestSmtpServer;
let gateway: RunningProgram;
const environment = (): Record<string, string> => ({
  SMTP_URL: server.url,
  MAIL_SEND_SECONDS: '1',
  MAIL_WHEN_UNCERTAIN: 'hold',
});

beforeAll(async () => {
  [system, server] = await Promise.all([TestSystem.start(), TestSmtpServer.start()]);
  gateway = await system.runGateway(environment());
  await system.runScheduler();
});
afterAll(async () => {
  await system.close();
  await server.stop();
});

test.each(points)('a worker that dies at %s costs nothing and doubles nothing', async (point) => {
  const { foundation } = gateway;
  const name = point.replaceAll('_', '-');
  await saveProvider(foundation, name);
  const request = await submit(foundation, name);
  const { id } = await digestOf(foundation, request.id);
  const doomed = await system.spawn('worker', `doomed at ${name}`, { CASELOAD_CRASH_AT: point }, environment());
  await foundation.services.flushDigest(supervisor, { digestId: id });
  await doomed.program.exited;
  const healthy = await system.runWorker(environment());
  try {
    const mails = () => server.received.filter((mail) => mail.envelopeTo.includes(`${name}@example.com`));
    const isUncertain = point === 'mail_before_send' || point === 'mail_after_send';
    if (isUncertain) {
      // Nobody can know whether the server has it. It is held and shown, and sent again when somebody says so.
      await untilDigest(foundation, id, 'FAILED');
      expect(mails()).toHaveLength(point === 'mail_after_send' ? 1 : 0);
      await foundation.services.resendDigest(supervisor, { digestId: id });
    }
    await untilDigest(foundation, id, 'SENT');
    expect(mails()).toHaveLength(point === 'mail_after_send' ? 2 : 1);
    expect(await timelineOf(foundation, request.id)).toEqual(['RECEIVED', 'IN_DIGEST', 'NOTIFIED']);
  } finally {
    await healthy.stop();
  }
});
