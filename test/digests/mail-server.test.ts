import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestEngine } from '../support/engine.ts';
import { startEngine } from '../support/engine.ts';
import { TestSmtpServer } from '../support/smtp-server.ts';
import { waitUntil } from '../support/wait-until.ts';
import { startWorker } from '../tasks/task-engine.ts';
import { digestOf, flush, saveProvider, submit, supervisor, timelineOf, untilDigest } from './digest-engine.ts';

let engine: TestEngine;
let server: TestSmtpServer;
let stop: () => Promise<void>;
beforeAll(async () => {
  server = await TestSmtpServer.start();
  engine = await startEngine({ SMTP_URL: server.url, MAIL_SEND_SECONDS: '2' });
  await engine.startScheduler();
  const foundation = await engine.another();
  stop = await startWorker(foundation, foundation.taskHandlers);
});
afterAll(async () => {
  await stop();
  await engine.stop();
  await server.stop();
});

const services = () => engine.foundation.services;
const mailsTo = (name: string) => server.received.filter((mail) => mail.envelopeTo.includes(`${name}@example.com`));

/** A digest with one request, due at once. */
async function due(provider: string): Promise<string> {
  await saveProvider(engine.foundation, provider);
  const { id } = await digestOf(engine.foundation, (await submit(engine.foundation, provider)).id);
  await services().flushDigest(supervisor, { digestId: id });
  return id;
}

describe('with a real mail server', () => {
  it('sends text and HTML, once, under the id that was written down', async () => {
    await saveProvider(engine.foundation, 'fine');
    const { id } = await digestOf(engine.foundation, (await submit(engine.foundation, 'fine')).id);
    await flush(engine.foundation, id);
    const [mail, ...more] = mailsTo('fine');
    expect(more).toEqual([]);
    expect(mail!.parsed.html).toContain('Answer these requests');
    expect(mail!.parsed.text).toContain('6 x 85123A');
    const preview = await services().previewDigest(supervisor, id, 1);
    expect(preview).toMatchObject({ isFinal: true, subject: mail!.parsed.subject });
  });

  it('tries again when the server is busy or breaks off', async () => {
    server.plan({ do: 'refuse', at: 'recipient', code: 451, text: 'come back later' }, { do: 'drop before data' });
    const id = await due('busy');
    await untilDigest(engine.foundation, id, 'SENT');
    expect(mailsTo('busy')).toHaveLength(1);
  });

  it('stops a provider whose address refuses mail, shows it, and goes on with another address', async () => {
    server.plan({ do: 'refuse', at: 'recipient', code: 550, text: 'no such mailbox' });
    const first = await due('gone');
    const failed = await untilDigest(engine.foundation, first, 'FAILED');
    expect(failed.failure).toMatch(/550|no such mailbox/);
    const stopped = await services().listProviders(supervisor, { namespace: 'acme', first: 10, stopped: true });
    expect(stopped.edges.map((edge) => edge.node)).toMatchObject([
      { externalId: 'gone', bounce: { reason: failed.failure } },
    ]);
    // What comes now waits.
    const { id: second } = await digestOf(engine.foundation, (await submit(engine.foundation, 'gone')).id);
    await services().flushDigest(supervisor, { digestId: second });
    await waitUntil('held', async () => (await services().digestStore.getDigest(second)).held);
    expect(mailsTo('gone')).toEqual([]);
    const changed = await saveProvider(engine.foundation, 'gone', { email: 'back@example.com' });
    expect(changed.bounce).toBeNull();
    await untilDigest(engine.foundation, second, 'SENT');
    await services().resendDigest(supervisor, { digestId: first });
    await untilDigest(engine.foundation, first, 'SENT');
    expect(mailsTo('back')).toHaveLength(2);
    expect(await timelineOf(engine.foundation, first)).toEqual([
      'OPENED',
      'FLUSHED',
      'SEALED',
      'FAILED',
      'RESENT',
      'SENT',
    ]);
  });
});
