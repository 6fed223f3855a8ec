import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CrashPoint } from '../../src/crash-point.ts';
import { digestOf, saveProvider, submit, supervisor, timelineOf, untilDigest } from '../digests/digest-engine.ts';
import { actor } from '../support/engine.ts';
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
  ? [
      'seal_after_commit',
      'mail_before_send',
      'mail_before_end',
      'mail_at_end',
      'mail_after_send',
      'digest_after_send',
      'finish_after_commit',
    ]
  : ['seal_after_commit', 'mail_after_send'];

let system: TestSystem;
let server: TestSmtpServer;
let gateway: RunningProgram;
const operator = actor('olga', 'operator');
const environment = (): Record<string, string> => ({ SMTP_URL: server.url, MAIL_SEND_SECONDS: '1' });

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
    if (point === 'mail_at_end' || point === 'mail_after_send') {
      // Nobody can know whether the server has it. It is held and shown, and goes on when somebody has looked.
      await untilDigest(foundation, id, 'FAILED');
      const kept = point === 'mail_after_send' ? 1 : 0;
      expect(mails()).toHaveLength(kept);
      const held = await foundation.services.listMails(operator, {
        namespace: 'acme',
        first: 2,
        filter: { aboutId: id },
      });
      expect(held.edges.map(({ node }) => node.status)).toEqual(['UNCERTAIN']);
      const outcome = kept === 1 ? 'SENT' : 'SEND_AGAIN';
      const mailId = held.edges[0]!.node.id;
      await foundation.services.settleMail(operator, { mailId, outcome, reason: 'by the log of the server' });
    }
    await untilDigest(foundation, id, 'SENT');
    expect(mails()).toHaveLength(1);
    expect(await timelineOf(foundation, request.id)).toEqual(['RECEIVED', 'IN_DIGEST', 'NOTIFIED']);
  } finally {
    await healthy.stop();
  }
});
