import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readDeliveryReport } from '../../src/mail/bounces/read-report.ts';
import { readReturnPath, signReturnPath } from '../../src/mail/bounces/return-path.ts';
import {
  digestOf,
  flush,
  saveProvider,
  submit,
  supervisor,
  timelineOf,
  untilDigest,
} from '../digests/digest-engine.ts';
import type { TestEngine } from '../support/engine.ts';
import { actor, startEngine, testSecret } from '../support/engine.ts';
import type { ReceivedMail } from '../support/smtp-server.ts';
import { TestSmtpServer } from '../support/smtp-server.ts';
import { waitUntil } from '../support/wait-until.ts';
import { startWorker } from '../tasks/task-engine.ts';

/** A report as a mail server writes it (RFC 3464), about a mail that came back. */
interface Report {
  readonly to: string;
  readonly recipient: string;
  readonly action?: 'failed' | 'delayed';
  readonly status?: string;
  /** Of the mail that came back; undefined when the report quotes nothing of it. */
  readonly quoted?: { readonly type: 'message/rfc822' | 'text/rfc822-headers'; readonly text: string };
}

function writeReport({ to, recipient, action = 'failed', status = '5.1.1', quoted }: Report): string {
  const parts = [
    `Content-Description: Notification\nContent-Type: text/plain; charset=us-ascii\n\nThis is the mail system at host mx.example.net.\n\nI'm sorry to have to inform you that your message could not\nbe delivered to one or more recipients.\n`,
    `Content-Description: Delivery report\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.net\nX-Postfix-Queue-ID: 4F1B2C3D\nX-Postfix-Sender: rfc822; ${to}\nArrival-Date: Sat, 21 Nov 2026 03:02:01 +0000 (UTC)\n\nFinal-Recipient: rfc822; ${recipient}\nOriginal-Recipient: rfc822;${recipient}\nAction: ${action}\nStatus: ${status}\nRemote-MTA: dns; inbound.example.org\nDiagnostic-Code: smtp; 550 ${status} <${recipient}>: Recipient address\n    rejected: User unknown in virtual mailbox table\n`,
    ...(quoted === undefined
      ? []
      : [`Content-Description: Undelivered Message\nContent-Type: ${quoted.type}\n\n${quoted.text}`]),
  ];
  const body = parts.map((part) => `--4F1B2C3D.1/mx.example.net\n${part}\n`).join('');
  const head = `Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.net (Mail Delivery System)\nTo: ${to}\nSubject: Undelivered Mail Returned to Sender\nAuto-Submitted: auto-replied\nMIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status;\n\tboundary="4F1B2C3D.1/mx.example.net"\nMessage-Id: <20261121030201.4F1B2C3D@mx.example.net>\n`;
  return `${head}\nThis is a MIME-encapsulated message.\n\n${body}--4F1B2C3D.1/mx.example.net--\n`.replaceAll(
    '\n',
    '\r\n',
  );
}

interface Sent {
  readonly digestId: string;
  readonly mail: ReceivedMail;
}

const operator = actor('olga', 'operator');
let engine: TestEngine;
let server: TestSmtpServer;
let stop: () => Promise<void>;
const sentTo = new Map<string, Sent>();
beforeAll(async () => {
  server = await TestSmtpServer.start();
  const mail = {
    SMTP_URL: server.url,
    MAIL_FROM: 'Caseload <cases@example.com>',
    MAIL_BOUNCES_TO: 'bounces@example.com',
  };
  engine = await startEngine(mail);
  await engine.startScheduler();
  const foundation = await engine.another();
  stop = await startWorker(foundation, foundation.taskHandlers);
  const names = ['moved', 'whole', 'headers', 'fine', 'piped'];
  for (const [index, sent] of (await Promise.all(names.map(send))).entries()) sentTo.set(names[index]!, sent);
});
afterAll(async () => {
  await stop();
  await engine.stop();
  await server.stop();
});

const services = () => engine.foundation.services;
const hand = (report: string) => services().takeBounce(operator, Buffer.from(report));

/** A digest that the server has taken. */
async function send(provider: string): Promise<Sent> {
  await saveProvider(engine.foundation, provider);
  const { id } = await digestOf(engine.foundation, (await submit(engine.foundation, provider)).id);
  await flush(engine.foundation, id);
  const mail = server.received.find(({ envelopeTo }) => envelopeTo.includes(`${provider}@example.com`))!;
  return { digestId: id, mail };
}

async function bounceOf(externalId: string): Promise<string | null | undefined> {
  const page = await services().listProviders(supervisor, { namespace: 'acme', first: 10, stopped: true });
  return page.edges.find(({ node }) => node.externalId === externalId)?.node.bounce?.reason;
}

const unknownUser = /^5\.1\.1 550 5\.1\.1 <.*>: Recipient address rejected: User unknown/;

describe('a mail that comes back', () => {
  it('under its own return path stops the provider, until it has another address', async () => {
    const { digestId, mail } = sentTo.get('moved')!;
    expect(mail.envelopeFrom).toMatch(/^bounces\+[0-9a-f]{48}@example\.com$/);
    expect(mail.parsed.from?.address).toBe('cases@example.com');
    const report = writeReport({ to: mail.envelopeFrom, recipient: 'moved@example.com' });
    for (let time = 0; time < 2; time++)
      expect(await hand(report)).toMatchObject({
        kind: 'taken',
        mail: { recipient: 'moved@example.com', status: 'SENT' },
      });
    expect(await bounceOf('moved')).toMatch(unknownUser);
    expect((await timelineOf(engine.foundation, digestId)).filter((type) => type === 'BOUNCED')).toHaveLength(1);
    const { id: next } = await digestOf(engine.foundation, (await submit(engine.foundation, 'moved')).id);
    await services().flushDigest(supervisor, { digestId: next });
    await waitUntil('held', async () => (await services().digestStore.getDigest(next)).held);
    await saveProvider(engine.foundation, 'moved', { email: 'new@example.com' });
    await untilDigest(engine.foundation, next, 'SENT');
    // A late report about the old address stops nobody.
    await services().resendDigest(supervisor, { digestId });
    await untilDigest(engine.foundation, digestId, 'SENT');
    expect(await hand(report)).toMatchObject({ kind: 'taken' });
    expect(await bounceOf('moved')).toBeUndefined();
  });

  it.each(['message/rfc822', 'text/rfc822-headers'] as const)(
    'to its sender is known by what the report quotes as %s',
    async (type) => {
      const name = type === 'message/rfc822' ? 'whole' : 'headers';
      const { mail } = sentTo.get(name)!;
      const text = type === 'message/rfc822' ? mail.raw.replaceAll('\r\n', '\n') : mail.raw.split('\r\n\r\n', 1)[0]!;
      const quoted = { type, text: text.replaceAll('\r\n', '\n') };
      const report = writeReport({ to: 'cases@example.com', recipient: `${name}@example.com`, quoted });
      expect(await hand(report)).toMatchObject({
        kind: 'taken',
        mail: { bounceReason: expect.stringMatching(unknownUser) },
      });
      expect(await bounceOf(name)).toMatch(unknownUser);
    },
  );

  it('settles what was uncertain: the server had it', async () => {
    server.plan({ do: 'accept and drop' });
    await saveProvider(engine.foundation, 'dropped');
    const { id } = await digestOf(engine.foundation, (await submit(engine.foundation, 'dropped')).id);
    await services().flushDigest(supervisor, { digestId: id });
    await untilDigest(engine.foundation, id, 'FAILED');
    const mail = server.received.find(({ envelopeTo }) => envelopeTo.includes('dropped@example.com'))!;
    await hand(writeReport({ to: mail.envelopeFrom, recipient: 'dropped@example.com' }));
    await untilDigest(engine.foundation, id, 'SENT');
    expect(server.received.filter(({ envelopeTo }) => envelopeTo.includes('dropped@example.com'))).toHaveLength(1);
    expect(await bounceOf('dropped')).toMatch(unknownUser);
  });

  it('only late, or made up, or not a report at all, changes nothing', async () => {
    const { mail } = sentTo.get('fine')!;
    const to = mail.envelopeFrom;
    const recipient = 'fine@example.com';
    const forged = to.replace(/.@/, (end) => (end.startsWith('0') ? '1@' : '0@'));
    const quoted = { type: 'text/rfc822-headers', text: 'Message-ID: <of-another@example.com>' } as const;
    const refusals = [
      [writeReport({ to, recipient, action: 'delayed', status: '4.4.1' }), 'NO_FAILURE'],
      [writeReport({ to: forged, recipient }), 'UNKNOWN_MAIL'],
      [writeReport({ to: 'cases@example.com', recipient, quoted }), 'UNKNOWN_MAIL'],
      ['Subject: I am away\r\n\r\nUntil Monday.', 'NO_REPORT'],
      ['\0\xff', 'NO_REPORT'],
    ] as const;
    for (const [message, refusal] of refusals) expect(await hand(message)).toEqual({ kind: 'refused', refusal });
    const report = Buffer.from(writeReport({ to, recipient }));
    const stranger = { ...operator, namespace: 'other' };
    expect(await services().takeBounce(stranger, report)).toEqual({ kind: 'refused', refusal: 'UNKNOWN_MAIL' });
    await expect(services().takeBounce(supervisor, report)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect(await bounceOf('fine')).toBeUndefined();
  });

  it('is taken from a mail server by a command', async () => {
    const { mail } = sentTo.get('piped')!;
    const { config } = engine.foundation;
    const child = spawn(process.execPath, ['src/cli.ts', 'read-bounce'], {
      env: {
        PATH: process.env.PATH,
        DATABASE_URLS: engine.database.url,
        NATS_URL: config.natsUrl,
        BLOB_URL: config.blobUrl,
        AUTH_SECRET: testSecret,
      },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    child.stdin.end(writeReport({ to: mail.envelopeFrom.toUpperCase(), recipient: 'piped@example.com' }));
    expect(await text(child.stdout)).toMatch(/^piped@example\.com: 5\.1\.1 550/);
    expect(await bounceOf('piped')).toMatch(unknownUser);
  });
});

describe('a return path', () => {
  const id = '01a1fc68-22ea-7000-8000-03d7e195e1c6';

  it('names its mail to whoever has the secret, and to nobody else', () => {
    const address = signReturnPath('secret', 'bounces@example.com', id);
    expect(address.split('@')[0]!.length).toBeLessThanOrEqual(64);
    expect(readReturnPath(['new', 'secret'], `<${address}>`)).toBe(id);
    expect(readReturnPath(['other'], address)).toBeUndefined();
    expect(readReturnPath(['secret'], 'bounces@example.com')).toBeUndefined();
  });

  it('is read from a report in any form, and a report that lacks a field is one all the same', async () => {
    const bare =
      'To: x@example.com\r\nContent-Type: multipart/report; boundary=b\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nAction: FAILED\r\n\r\n--b--\r\n';
    expect(await readDeliveryReport(Buffer.from(bare))).toEqual({
      sentTo: ['x@example.com'],
      messageId: undefined,
      failure: 'not delivered',
    });
  });
});
