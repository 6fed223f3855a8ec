import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import PostalMime from 'postal-mime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkMail } from '../../src/cli/doctor/check-mail.ts';
import { findFreePort } from '../../src/embedded/ports.ts';
import { createLogger } from '../../src/log.ts';
import { toMailAddress } from '../../src/mail/mail-address.ts';
import type { SmtpServer } from '../../src/mail/mail-config.ts';
import { readMailConfig } from '../../src/mail/mail-config.ts';
import type { MailRecord } from '../../src/mail/mail-record.ts';
import type { MailInput } from '../../src/mail/mailer.ts';
import { Mailer } from '../../src/mail/mailer.ts';
import { openMailer } from '../../src/mail/open-mailer.ts';
import { createSmtpTransport } from '../../src/mail/smtp-transport.ts';
import { renderMail } from '../../src/mail/templates.ts';
import type { TestEngine } from '../support/engine.ts';
import { actor, never, startEngine } from '../support/engine.ts';
import { uniqueDirectory } from '../support/servers.ts';
import { TestSmtpServer } from '../support/smtp-server.ts';

let engine: TestEngine;
let server: TestSmtpServer;
const opened: Mailer[] = [];
beforeAll(async () => {
  [engine, server] = await Promise.all([startEngine(), TestSmtpServer.start()]);
});
afterAll(async () => {
  for (const mailer of opened) mailer.close();
  await server.stop();
  await engine.stop();
});

const log = createLogger('test', 'silent');
let ids = 0;
const newId = (): string => `01a1fb1a-64c8-7000-8000-${String(++ids).padStart(12, '0')}`;

function open(environment: Readonly<Record<string, string>>): Mailer {
  const faults: string[] = [];
  const settings: Record<string, string> = { MAIL_FROM: 'Caseload <cases@example.com>', ...environment };
  const config = readMailConfig((name) => settings[name], 'development', faults);
  expect(faults).toEqual([]);
  const mailer = openMailer(config, newId, log);
  opened.push(mailer);
  return mailer;
}

const decided = {
  verdict: 'APPROVE',
  applicantName: 'Zoë <b>Smith</b>',
  reference: '4711',
  caseId: '4711',
  registeredAt: 'then',
  decidedAt: 'now',
};

const mailOf = (key: string, more: Partial<MailInput> = {}): MailInput => ({
  namespace: 'acme',
  key,
  to: toMailAddress(`${key}@example.com`, 'Zoë Smith'),
  render: () => renderMail('decision', decided),
  ...more,
});

const deliver = (mailer: Mailer, input: MailInput, signal = never) =>
  mailer.deliver(engine.foundation.shard, input, signal);

async function recordOf(key: string): Promise<MailRecord> {
  const page = await engine.foundation.services.listMails(actor('olga', 'operator'), {
    namespace: 'acme',
    first: 1,
    filter: { recipient: `${key}@example.com` },
  });
  return page.edges[0]!.node;
}

const receivedBy = (key: string) => server.received.filter((mail) => mail.envelopeTo.includes(`${key}@example.com`));

describe('the mailer', () => {
  it('sends a mail with text and HTML, and writes down what the server answered', async () => {
    const mailer = open({ SMTP_URL: server.url });
    const sent = await deliver(mailer, mailOf('plain'));
    const [mail] = receivedBy('plain');
    expect(mail?.parsed).toMatchObject({
      messageId: sent.messageId,
      subject: 'Your case 4711 was approved',
      from: { name: 'Caseload', address: 'cases@example.com' },
      to: [{ name: 'Zoë Smith', address: 'plain@example.com' }],
    });
    expect(mail?.parsed.text).toContain('Dear Zoë <b>Smith</b>,');
    expect(mail?.parsed.html).toContain('Dear Zoë &lt;b&gt;Smith&lt;/b&gt;,');
    expect(mail?.parsed.headers).toContainEqual(
      expect.objectContaining({ key: 'auto-submitted', value: 'auto-generated' }),
    );
    expect(await recordOf('plain')).toMatchObject({ status: 'SENT', attempts: 1, answer: sent.answer });
    expect(sent.answer).toMatch(/^250 2.0.0 kept as/);
  });

  it('sends the mail of a key once, and keeps its connection for the next', async () => {
    const mailer = open({ SMTP_URL: server.url });
    const before = server.connectionCount;
    const first = await deliver(mailer, mailOf('once'));
    const again = await deliver(mailer, mailOf('once', { render: () => Promise.reject(new Error('asked again')) }));
    expect(again).toEqual({ ...first, sentEarlier: true });
    await deliver(mailer, mailOf('next'));
    expect(receivedBy('once')).toHaveLength(1);
    expect(server.connectionCount).toBe(before + 1);
  });

  it('sends one when two ask at the same time', async () => {
    const [one, two] = [open({ SMTP_URL: server.url }), open({ SMTP_URL: server.url })];
    const ends = await Promise.allSettled([one, two, one, two].map((mailer) => deliver(mailer, mailOf('crowd'))));
    expect(ends.some((end) => end.status === 'fulfilled')).toBe(true);
    for (const end of ends) if (end.status === 'rejected') expect(end.reason).toMatchObject({ kind: 'TEMPORARY' });
    expect(receivedBy('crowd')).toHaveLength(1);
  });

  it('cannot be made to write headers, whatever a name or subject holds', async () => {
    const mailer = open({ SMTP_URL: server.url });
    const evil = 'x\r\nBcc: victim@example.com\r\n\r\nhello';
    await deliver(
      mailer,
      mailOf('evil', {
        to: toMailAddress('evil@example.com', `"${evil}" <other@example.com>`),
        render: () => renderMail('decision', { ...decided, applicantName: evil, reference: evil }),
      }),
    );
    const [mail] = receivedBy('evil');
    expect(mail?.parsed.bcc).toBeUndefined();
    expect(mail?.parsed.to).toHaveLength(1);
    expect(mail?.envelopeTo).toEqual(['evil@example.com']);
    const head = mail!.raw.slice(0, mail!.raw.indexOf('\r\n\r\n'));
    expect(head.split('\r\n').filter((line) => /^bcc:/i.test(line))).toEqual([]);
    for (const address of ['a@b', 'a b@example.com', 'a@example.com\r\nBcc: b@example.com', 'a@example.com,b@c.de'])
      expect(() => toMailAddress(address)).toThrow(/e-mail address|control/);
  });
});

describe('a server that does not take a mail', () => {
  it.each([
    ['greylist', { do: 'refuse', at: 'recipient', code: 451, text: '4.7.1 come back later' }, 'PREPARED', 'TEMPORARY'],
    ['full', { do: 'refuse', at: 'data', code: 452, text: '4.3.1 no room' }, 'PREPARED', 'TEMPORARY'],
    ['nobody', { do: 'refuse', at: 'recipient', code: 550, text: '5.1.1 no such user' }, 'FAILED', 'PERMANENT'],
    ['spam', { do: 'refuse', at: 'data', code: 554, text: '5.7.1 we do not like it' }, 'FAILED', 'PERMANENT'],
    ['sender', { do: 'refuse', at: 'sender', code: 553, text: '5.1.8 unknown sender' }, 'FAILED', 'PERMANENT'],
    ['dropped', { do: 'drop before data' }, 'PREPARED', 'TEMPORARY'],
    ['silent', { do: 'be silent' }, 'PREPARED', 'TEMPORARY'],
  ] as const)('%s: is told apart, and the next attempt sends the same mail', async (key, deed, status, kind) => {
    const mailer = open({ SMTP_URL: server.url, MAIL_SEND_SECONDS: '1' });
    server.plan(deed);
    await expect(deliver(mailer, mailOf(key))).rejects.toMatchObject({ name: 'MailError', kind });
    const record = await recordOf(key);
    expect(record).toMatchObject({ status, attempts: 1 });
    if (deed.do === 'refuse') expect(record.answer).toContain(deed.text);
    expect(receivedBy(key)).toHaveLength(0);
    const sent = await deliver(mailer, mailOf(key, { render: () => Promise.reject(new Error('asked again')) }));
    expect(receivedBy(key).map((mail) => mail.parsed.messageId)).toEqual([sent.messageId]);
    expect(await recordOf(key)).toMatchObject({ status: 'SENT', attempts: 2 });
  });

  it('is not there: another attempt may find it', async () => {
    const mailer = open({ SMTP_URL: `smtp://127.0.0.1:${await findFreePort()}` });
    await expect(deliver(mailer, mailOf('nowhere'))).rejects.toMatchObject({ kind: 'TEMPORARY' });
    expect(await recordOf('nowhere')).toMatchObject({ status: 'PREPARED', attempts: 1 });
  });

  it('has a certificate that nobody vouches for: nothing is sent over it', async () => {
    const untrusted = await TestSmtpServer.start({ startTls: true });
    const mailer = open({ SMTP_URL: untrusted.url, SMTP_TLS: 'required' });
    await expect(deliver(mailer, mailOf('tls'))).rejects.toMatchObject({ kind: 'TEMPORARY' });
    // And one without TLS is not good enough where it is required.
    const strict = open({ SMTP_URL: server.url, SMTP_TLS: 'required' });
    await expect(deliver(strict, mailOf('tls'))).rejects.toMatchObject({ kind: 'TEMPORARY' });
    expect([...untrusted.received, ...receivedBy('tls')]).toEqual([]);
    await untrusted.stop();
  });
});

describe('a server that may have taken a mail', () => {
  it.each(['accept and drop', 'accept and be silent'] as const)(
    '%s: the mail is sent again under the same Message-ID, by which the server can tell',
    async (deed) => {
      const key = deed.replaceAll(' ', '-');
      const mailer = open({ SMTP_URL: server.url, MAIL_SEND_SECONDS: '1' });
      server.plan({ do: deed });
      await expect(deliver(mailer, mailOf(key))).rejects.toMatchObject({ kind: 'UNCERTAIN' });
      expect(await recordOf(key)).toMatchObject({ status: 'UNCERTAIN' });
      await deliver(mailer, mailOf(key));
      expect(await recordOf(key)).toMatchObject({ status: 'SENT', attempts: 2 });
      expect(receivedBy(key)).toHaveLength(2);
      expect(server.toldApart(`${key}@example.com`)).toHaveLength(1);
    },
  );

  it('is not sent it again where that is held for somebody to decide', async () => {
    const mailer = open({ SMTP_URL: server.url, MAIL_WHEN_UNCERTAIN: 'hold' });
    server.plan({ do: 'accept and drop' });
    for (let call = 0; call < 2; call++)
      await expect(deliver(mailer, mailOf('held'))).rejects.toMatchObject({ kind: 'HELD' });
    expect(await recordOf('held')).toMatchObject({ status: 'UNCERTAIN', attempts: 1 });
    expect(receivedBy('held')).toHaveLength(1);
  });

  it('does not get a mail from one that was overtaken, however late it wakes up', async () => {
    const config = readMailConfig((name) => ({ SMTP_URL: server.url })[name], 'development', []);
    const transport = createSmtpTransport((config.way as { server: SmtpServer }).server, config);
    const pool = await engine.foundation.shard.pool();
    const overtake = async (): Promise<void> => {
      await pool.query(`update mails set sending_at = sending_at - interval '1 hour' where key = 'frozen'`);
      await deliver(open({ SMTP_URL: server.url }), mailOf('frozen', { whenUncertain: 'hold' }));
    };
    const frozen = new Mailer({
      config,
      newId,
      log,
      transport: {
        ...transport,
        send: (mail, signal, beforeEnd) => transport.send(mail, signal, () => overtake().then(beforeEnd)),
      },
    });
    opened.push(frozen);
    const late = deliver(frozen, mailOf('frozen', { whenUncertain: 'hold' }));
    await expect(late).rejects.toMatchObject({ kind: 'TEMPORARY', message: /another process/ });
    expect(receivedBy('frozen')).toHaveLength(1);
    expect(await recordOf('frozen')).toMatchObject({ status: 'SENT', attempts: 2 });
  });

  it('is left in peace by a second sender as long as the first may be at it', async () => {
    const slow = open({ SMTP_URL: server.url, MAIL_SEND_SECONDS: '20' });
    server.plan({ do: 'accept and be silent' });
    const stopping = new AbortController();
    const first = deliver(slow, mailOf('busy'), stopping.signal);
    const ended = expect(first).rejects.toMatchObject({ kind: 'UNCERTAIN' });
    while (receivedBy('busy').length === 0) await server.keeps(server.received.length + 1);
    await expect(deliver(slow, mailOf('busy'))).rejects.toMatchObject({
      kind: 'TEMPORARY',
      message: /another process/,
    });
    stopping.abort();
    await ended;
  });
});

describe('the mailbox of development', () => {
  it('keeps each mail as one file', async () => {
    const folder = uniqueDirectory('mailbox');
    const mailer = open({ MAIL_FOLDER: folder });
    const sent = await deliver(mailer, mailOf('filed'));
    const [name] = readdirSync(folder);
    expect(readdirSync(folder)).toEqual([name]);
    expect(sent.answer).toBe(`kept as ${name}`);
    const parsed = await PostalMime.parse(readFileSync(join(folder, name!)));
    expect(parsed).toMatchObject({ messageId: sent.messageId, to: [{ address: 'filed@example.com' }] });
  });

  it('does not exist without a folder: mail waits', async () => {
    await expect(deliver(open({}), mailOf('waits'))).rejects.toMatchObject({ kind: 'TEMPORARY', message: /SMTP_URL/ });
  });
});

describe('who may read mails', () => {
  it('operators of the namespace, and nobody else', async () => {
    const { services } = engine.foundation;
    const { id } = await recordOf('plain');
    const operator = actor('olga', 'operator');
    expect(await services.findMail(operator, id)).toMatchObject({ recipient: 'plain@example.com' });
    const page = await services.listMails(operator, { namespace: 'acme', first: 2, filter: { status: ['SENT'] } });
    expect(page.hasNextPage).toBe(true);
    const next = await services.listMails(operator, { namespace: 'acme', first: 1, after: page.edges[1]!.cursor });
    expect(next.edges[0]!.node.id < page.edges[1]!.node.id).toBe(true);
    await expect(services.findMail({ ...operator, namespace: 'other' }, id)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    for (const other of [actor('sue', 'supervisor'), actor('alice', 'applicant'), { ...operator, namespace: 'other' }])
      await expect(services.listMails(other, { namespace: 'acme', first: 1 })).rejects.toMatchObject({
        code: 'FORBIDDEN',
      });
    await expect(services.findMail(undefined, id)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });
});

describe('a mail that is held', () => {
  const operator = actor('olga', 'operator');
  const settle = async (key: string, outcome: 'SENT' | 'SEND_AGAIN') => {
    const input = { mailId: (await recordOf(key)).id, outcome, reason: 'it is not in the log' };
    return engine.foundation.services.settleMail(operator, input);
  };

  it('is sent again, or counts as sent, when an operator says so', async () => {
    const mailer = open({ SMTP_URL: server.url, MAIL_WHEN_UNCERTAIN: 'hold' });
    for (const key of ['again', 'there']) {
      server.plan({ do: 'accept and drop' });
      await expect(deliver(mailer, mailOf(key))).rejects.toMatchObject({ kind: 'HELD' });
    }
    expect(await settle('again', 'SEND_AGAIN')).toMatchObject({
      kind: 'settled',
      mail: { status: 'PREPARED', settledBy: 'olga', settleReason: 'it is not in the log' },
    });
    expect(await settle('there', 'SENT')).toMatchObject({ kind: 'settled', mail: { status: 'SENT' } });
    expect(await deliver(mailer, mailOf('again'))).toMatchObject({ sentEarlier: false });
    expect(await deliver(mailer, mailOf('there'))).toMatchObject({ sentEarlier: true });
    expect([receivedBy('again').length, receivedBy('there').length]).toEqual([2, 1]);
    expect(await settle('again', 'SEND_AGAIN')).toMatchObject({ kind: 'notUncertain', mail: { status: 'SENT' } });
    expect(mailer.ended).toMatchObject({ SENT: 1, UNCERTAIN: 2 });
    // The audit log is kept longer than mails, and for more readers: it does not say to whom they went.
    const pool = await engine.foundation.shard.pool();
    const acts = await pool.query('select about, type from operator_acts order by position, sequence');
    expect(acts.rows).toEqual([
      { about: 'mail', type: 'SETTLED_TO_SEND_AGAIN' },
      { about: 'mail', type: 'SETTLED_AS_SENT' },
    ]);
  });

  it('is nobody else’s to decide on', async () => {
    const { services } = engine.foundation;
    const input = { mailId: (await recordOf('held')).id, outcome: 'SENT', reason: 'x' } as const;
    await expect(services.settleMail(actor('sue', 'supervisor'), input)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(services.settleMail({ ...operator, namespace: 'other' }, input)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    await expect(services.settleMail(operator, { ...input, reason: ' ' })).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
    });
    expect((await recordOf('held')).status).toBe('UNCERTAIN');
  });
});

describe('the doctor', () => {
  const check = async (environment: Readonly<Record<string, string>>) => {
    const mail = readMailConfig((name) => environment[name], 'development', []);
    return checkMail({ ...engine.foundation.config, mail, caseTasks: { others: 'all', namespaces: new Map() } });
  };

  it('says whether mail can leave', async () => {
    expect(await check({ SMTP_URL: server.url })).toMatchObject({ state: 'ok' });
    expect(await check({ SMTP_URL: `smtp://127.0.0.1:${await findFreePort()}` })).toMatchObject({ state: 'wrong' });
    expect(await check({ SMTP_URL: server.url, SMTP_TLS: 'required' })).toMatchObject({ state: 'wrong' });
    expect(await check({ MAIL_FOLDER: uniqueDirectory('mailbox') })).toMatchObject({ state: 'ok' });
    expect(await check({})).toMatchObject({ state: 'warning' });
  });
});
