import type { Readable } from 'node:stream';
import type { NodemailerError, SMTPPoolOptions } from 'nodemailer';
import { createTransport } from 'nodemailer';
import { limits } from '../domain/limits.ts';
import { composeMessage } from './compose-message.ts';
import { EndGate } from './end-gate.ts';
import type { MailConfig, SmtpServer } from './mail-config.ts';
import type { MailTransport } from './mail-transport.ts';
import { MailError } from './mail-transport.ts';

/** Sends over a pool of connections to one SMTP server, each mail at most once a call. */
export function createSmtpTransport(
  server: SmtpServer,
  config: Pick<MailConfig, 'from' | 'sendSeconds'>,
): MailTransport {
  const pool = createTransport(poolOptions(server, config));
  const gates = new WeakMap<AbortSignal, EndGate>();
  pool.use('stream', (mail, done) => {
    const gate = gates.get(mail.data.signal!);
    if (gate !== undefined) mail.message.processFunc((input: Readable) => gate.hold(input));
    done();
  });
  return {
    async send(mail, signal, beforeEnd) {
      const gate = new EndGate(beforeEnd);
      const own = AbortSignal.any([signal]);
      gates.set(own, gate);
      try {
        const { response } = await pool.sendMail({ ...composeMessage(mail), signal: own });
        return response;
      } catch (error) {
        throw classify(error as NodemailerError, gate.opened);
      }
    },
    close: () => pool.close(),
  };
}

/**
 * Connects and signs in, and sends nothing.
 * @throws the reason why mail could not be sent
 */
export async function verifySmtpServer(
  server: SmtpServer,
  config: Pick<MailConfig, 'from' | 'sendSeconds'>,
): Promise<void> {
  const pool = createTransport(poolOptions(server, config));
  try {
    await pool.verify();
  } finally {
    pool.close();
  }
}

function poolOptions(
  server: SmtpServer,
  { from, sendSeconds }: Pick<MailConfig, 'from' | 'sendSeconds'>,
): SMTPPoolOptions & { readonly pool: true } {
  const milliseconds = sendSeconds * 1_000;
  return {
    pool: true,
    host: server.host,
    port: server.port,
    secure: server.implicitTls,
    requireTLS: server.startTls === 'required' && !server.implicitTls,
    ignoreTLS: server.startTls === 'off',
    tls: { minVersion: 'TLSv1.2' },
    ...(server.user === undefined ? {} : { auth: { user: server.user, pass: server.password ?? '' } }),
    name: from.email.slice(from.email.lastIndexOf('@') + 1),
    maxConnections: limits.smtpConnections,
    maxMessages: limits.mailsPerSmtpConnection,
    // A mail whose connection broke is never sent again behind our back: what is known of it is told first.
    maxRequeues: 0,
    connectionTimeout: Math.min(milliseconds, limits.smtpConnectMilliseconds),
    greetingTimeout: Math.min(milliseconds, limits.smtpConnectMilliseconds),
    dnsTimeout: Math.min(milliseconds, limits.smtpConnectMilliseconds),
    socketTimeout: milliseconds,
    maxResponseSize: limits.smtpAnswerBytes,
    idleTimeout: limits.smtpIdleMilliseconds,
  };
}

/** What the server said of this mail counts for good; what went wrong around it may pass. */
function classify(error: NodemailerError, endLeft: boolean): MailError {
  const answer = error.response ?? error.message;
  if (error.responseCode === undefined) {
    if (error.code === 'EENVELOPE') return new MailError('PERMANENT', answer, error); // no address for this server
    if (error.code === 'EMESSAGE') return new MailError('PERMANENT', answer, error); // larger than it takes
    return new MailError(endLeft ? 'UNCERTAIN' : 'TEMPORARY', answer, error);
  }
  const isAboutTheMail = error.code === 'EENVELOPE' || error.code === 'EMESSAGE';
  return new MailError(isAboutTheMail && error.permanent === true ? 'PERMANENT' : 'TEMPORARY', answer, error);
}
