import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { crashPoint } from '../crash-point.ts';
import { Fault } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import type { Logger } from '../log.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement, toDate } from '../postgres/sql.ts';
import type { MailAddress } from './mail-address.ts';
import type { MailConfig } from './mail-config.ts';
import type { MailTransport } from './mail-transport.ts';
import { MailError } from './mail-transport.ts';
import type { MailContent } from './templates.ts';

const readMail = loadStatement('read-mail');
const prepareMail = loadStatement('prepare-mail');
const beginMail = loadStatement('begin-mail');
const endMail = loadStatement('end-mail');
const settleMail = loadStatement('settle-mail');
/** Beyond the time limit of a sending: its own sender has given it up by then. */
const givenUpSeconds = 2;

export interface MailInput {
  readonly namespace: string;
  /** Names the mail: the same key is the same mail, and is sent once. At most 200 characters. */
  readonly key: string;
  /** The id of what it is about: a case, a digest. Lists can be asked for it. */
  readonly aboutId?: string | null;
  readonly to: MailAddress;
  /** What it says. Asked once: what was written down first is what is sent, however often that is tried. */
  readonly render: () => MailContent | Promise<MailContent>;
  /** What becomes of it when nobody can say whether the server has it; `resend` when left out. The configuration decides for all. */
  readonly whenUncertain?: 'resend' | 'hold';
}

export interface SentMail {
  readonly mailId: string;
  /** The same for every attempt to send this mail. */
  readonly messageId: string;
  /** What the server answered. */
  readonly answer: string | null;
  /** It was sent by an earlier call; this one sent nothing. */
  readonly sentEarlier: boolean;
}

export interface MailerOptions {
  readonly config: MailConfig;
  readonly transport: MailTransport;
  readonly newId: (shard: number) => string;
  /** The address to which a mail comes back. */
  readonly returnPathOf?: ((mailId: string) => string) | undefined;
  readonly log: Logger;
}

interface MailRow {
  readonly id: string;
  readonly status: 'PREPARED' | 'SENDING' | 'SENT' | 'FAILED' | 'UNCERTAIN';
  readonly attempt: number;
  readonly message_id: string;
  readonly subject: string;
  readonly html: string;
  readonly text: string;
  readonly recipient: string;
  readonly recipient_name: string | null;
  readonly prepared_at: string;
  readonly answer: string | null;
  readonly is_being_sent: boolean;
  /** The server may have it. */
  readonly is_uncertain: boolean;
}

/** Sends each mail once, as far as that can be known: see docs/mail.md. */
export class Mailer {
  readonly #options: MailerOptions;
  readonly #brokenOffSeconds: number;
  /** Attempts of this process by how they ended, for the metrics. */
  readonly ended = { SENT: 0, TEMPORARY: 0, PERMANENT: 0, UNCERTAIN: 0 };

  constructor(options: MailerOptions) {
    this.#options = options;
    this.#brokenOffSeconds = options.config.sendSeconds + givenUpSeconds;
  }

  /**
   * Sends the mail of a key, unless it was sent before. Call it again after a `TEMPORARY` or `UNCERTAIN` error, or after
   * a crash: it goes on where the record says.
   * @param shard whose record has the mail
   * @throws MailError when it was not sent, as far as is known
   * @throws Fault `UNAVAILABLE` or `BACKPRESSURE` when the record cannot be reached, or what `render` throws
   */
  async deliver(shard: Shard, input: MailInput, signal: AbortSignal): Promise<SentMail> {
    const row = (await this.#read(shard, input)) ?? (await this.#prepare(shard, input));
    if (row.status === 'SENT') return toSent(row, row.answer, true);
    const mayDouble = (this.#options.config.whenUncertain ?? input.whenUncertain ?? 'resend') === 'resend';
    if (!mayDouble) await this.#requireCertain(shard, row);
    const attempt = await this.#begin(shard, row, mayDouble);
    crashPoint('mail_before_send');
    const answer = await this.#send(shard, row, attempt, mayDouble, signal);
    crashPoint('mail_after_send');
    await this.#settle(shard, row, attempt, 'SENT', answer);
    return toSent(row, answer, false);
  }

  close(): void {
    this.#options.transport.close();
  }

  async #read(shard: Shard, { namespace, key }: MailInput): Promise<MailRow | undefined> {
    return (await shard.run<MailRow>(readMail, [namespace, key, this.#brokenOffSeconds]))[0];
  }

  async #prepare(shard: Shard, input: MailInput): Promise<MailRow> {
    const { namespace, key, to } = input;
    if (key.length > limits.mailKeyCharacters) throw new RangeError('The key of a mail is too long');
    const content = await input.render();
    const { from } = this.#options.config;
    await shard.run(prepareMail, [
      this.#options.newId(shard.number),
      namespace,
      key,
      input.aboutId ?? null,
      from.email,
      to.email,
      to.name ?? null,
      content.subject,
      content.html,
      content.text,
      makeMessageId(namespace, key, from.email),
    ]);
    // Another process may have been first: what stands in the record counts.
    const row = await this.#read(shard, input);
    if (row === undefined) throw new MailError('TEMPORARY', 'The mail was removed while it was prepared');
    return row;
  }

  /** A mail that the server may have is not sent by us again. */
  async #requireCertain(shard: Shard, row: MailRow): Promise<void> {
    if (row.is_being_sent) throw beingSent();
    if (!row.is_uncertain) return;
    if (row.status === 'SENDING') await this.#settle(shard, row, row.attempt, 'UNCERTAIN', brokenOff);
    throw new MailError('HELD', held);
  }

  async #begin(shard: Shard, row: MailRow, mayDouble: boolean): Promise<number> {
    const values = [row.id, row.attempt, this.#brokenOffSeconds, mayDouble];
    const begun = await shard.run<{ attempt: number }>(beginMail, values);
    if (begun[0] === undefined) throw beingSent();
    return begun[0].attempt;
  }

  async #send(shard: Shard, row: MailRow, attempt: number, mayDouble: boolean, signal: AbortSignal): Promise<string> {
    const { config, transport, log, returnPathOf } = this.#options;
    const limited = AbortSignal.any([signal, AbortSignal.timeout(config.sendSeconds * 1_000)]);
    const mail = {
      messageId: row.message_id,
      from: config.from,
      returnPath: returnPathOf?.(row.id),
      to: { name: row.recipient_name ?? undefined, email: row.recipient },
      subject: row.subject,
      html: row.html,
      text: row.text,
      at: toDate(row.prepared_at),
    };
    try {
      const answer = await transport.send(mail, limited, () => this.#end(shard, row, attempt));
      this.ended.SENT += 1;
      return answer;
    } catch (error) {
      // Whatever was not expected may have happened at any point.
      const failure = error instanceof MailError ? error : new MailError('UNCERTAIN', String(error), error);
      log.warn({ err: error, mail: row.id, outcome: failure.kind }, 'a mail was not sent');
      const status = statusOf[failure.kind];
      this.ended[failure.kind === 'HELD' ? 'UNCERTAIN' : failure.kind] += 1;
      await this.#settle(shard, row, attempt, status, failure.message);
      if (failure.kind === 'UNCERTAIN' && !mayDouble) throw new MailError('HELD', held, failure);
      throw failure;
    }
  }

  /** The last byte of a mail leaves only under a record that says so, and never when another attempt has begun. */
  async #end(shard: Shard, row: MailRow, attempt: number): Promise<void> {
    crashPoint('mail_before_end');
    const rows = await shard.run(endMail, [row.id, attempt]);
    if (rows.length === 0) throw beingSent();
    crashPoint('mail_at_end');
  }

  /** Tells the record again and again while it is out of reach: what is forgotten here might be sent twice. */
  async #settle(shard: Shard, row: MailRow, attempt: number, status: string, answer: string): Promise<void> {
    const text = answer.toWellFormed().replaceAll('\0', ' ').slice(0, limits.mailAnswerCharacters).toWellFormed();
    for (let tries = 1; ; tries++) {
      try {
        await shard.run(settleMail, [row.id, attempt, status, text]);
        return;
      } catch (error) {
        if (!(error instanceof Fault) || error.retryAfterMs === undefined || tries === settleTriesMax) throw error;
      }
      await delay(settlePauseMilliseconds);
    }
  }
}

function beingSent(): MailError {
  return new MailError('TEMPORARY', 'The mail is being sent by another process');
}

const brokenOff = 'The sending was broken off before the answer of the server was recorded';
const held = 'It is not known whether the mail was sent: it is not sent again before somebody has decided';
const statusOf = { TEMPORARY: 'PREPARED', PERMANENT: 'FAILED', UNCERTAIN: 'UNCERTAIN', HELD: 'UNCERTAIN' } as const;
const settleTriesMax = 10;
const settlePauseMilliseconds = 500;

function toSent(row: MailRow, answer: string | null, sentEarlier: boolean): SentMail {
  return { mailId: row.id, messageId: row.message_id, answer, sentEarlier };
}

/** Made from the key, so that whoever keeps mail can tell a repetition, even when our record was lost. */
function makeMessageId(namespace: string, key: string, sender: string): string {
  const digest = createHash('sha256').update(`${namespace}\0${key}`).digest('hex').slice(0, 40);
  return `<${digest}@${sender.slice(sender.lastIndexOf('@') + 1)}>`;
}
