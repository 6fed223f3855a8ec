import { limits } from '../domain/limits.ts';
import type { MailAddress } from './mail-address.ts';
import { parseMailAddress } from './mail-address.ts';

/** How mail leaves this process. */
export interface MailConfig {
  readonly from: MailAddress;
  readonly way:
    | { readonly kind: 'smtp'; readonly server: SmtpServer }
    /** The mailbox of development: nothing leaves the machine. */
    | { readonly kind: 'folder'; readonly folder: string }
    /** Mail waits as tasks that fail and are tried again. */
    | { readonly kind: 'none' };
  /** Receives mail that comes back, each under an address of its own; undefined: the sender does. */
  readonly bouncesTo: string | undefined;
  /** How long one attempt to send may take, from the connection to the server's answer. */
  readonly sendSeconds: number;
  /** Mails that were sent or refused are removed after so many days; undefined keeps them. */
  readonly keptDays: number | undefined;
  /**
   * What becomes of any mail of which nobody can say whether the server has it. Undefined: who sends it decides; those of
   * digests are held, the others sent again.
   */
  readonly whenUncertain: 'resend' | 'hold' | undefined;
}

export interface SmtpServer {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte on (`smtps:`). */
  readonly implicitTls: boolean;
  /** STARTTLS: insisted on, taken when it is offered, or never. */
  readonly startTls: 'required' | 'offered' | 'off';
  readonly user: string | undefined;
  readonly password: string | undefined;
}

type ReadText = (name: string) => string | undefined;

/**
 * Reads what concerns mail.
 * @param text gives a variable of the environment, undefined when it is not set
 * @param faults takes what is wrong, one entry a fault
 */
export function readMailConfig(text: ReadText, mode: 'development' | 'production', faults: string[]): MailConfig {
  const smtpUrl = text('SMTP_URL');
  const folder = text('MAIL_FOLDER');
  const server = smtpUrl === undefined ? undefined : readServer(smtpUrl, text('SMTP_TLS'), mode, faults);
  const fromText = text('MAIL_FROM');
  if (smtpUrl !== undefined && fromText === undefined && mode === 'production')
    faults.push('MAIL_FROM is needed with SMTP_URL: the sender of all mail, for instance Caseload <cases@example.com>');
  if (folder !== undefined && mode === 'production')
    faults.push('MAIL_FOLDER is for development: in production mail goes to SMTP_URL');
  const from = parseMailAddress(fromText ?? 'Caseload <caseload@localhost.invalid>');
  if (from === undefined) faults.push('MAIL_FROM must be an address, or have the form Name <address>');
  const whenUncertain = text('MAIL_WHEN_UNCERTAIN') ?? 'hold-digests';
  if (whenUncertain !== 'resend' && whenUncertain !== 'hold' && whenUncertain !== 'hold-digests')
    faults.push(`MAIL_WHEN_UNCERTAIN must be hold-digests, hold or resend, not '${whenUncertain}'`);
  return {
    from: from ?? { name: undefined, email: '' },
    way:
      server !== undefined
        ? { kind: 'smtp', server }
        : folder !== undefined
          ? { kind: 'folder', folder }
          : { kind: 'none' },
    bouncesTo: readBouncesTo(text('MAIL_BOUNCES_TO'), faults),
    sendSeconds: readWhole(text, 'MAIL_SEND_SECONDS', limits.mailSendSecondsMax, faults) ?? limits.mailSendSeconds,
    keptDays: readWhole(text, 'MAILS_KEPT_DAYS', 36_500, faults),
    whenUncertain: whenUncertain === 'hold' || whenUncertain === 'resend' ? whenUncertain : undefined,
  };
}

/** What is put before its @ must leave room for a mail's id and signature: 64 characters are allowed (RFC 5321). */
function readBouncesTo(value: string | undefined, faults: string[]): string | undefined {
  if (value === undefined) return undefined;
  const address = parseMailAddress(value);
  if (address !== undefined && address.name === undefined && /^[\w.-]{1,15}@/.test(address.email)) return address.email;
  faults.push('MAIL_BOUNCES_TO must be an address with at most 15 letters, digits, dots or dashes before its @');
  return undefined;
}

/** A whole number from 1 on; undefined when it is not set or wrong. */
function readWhole(text: ReadText, name: string, max: number, faults: string[]): number | undefined {
  const value = text(name);
  if (value === undefined) return undefined;
  const number = Number(value);
  if (Number.isInteger(number) && number >= 1 && number <= max) return number;
  faults.push(`${name} must be a whole number from 1 to ${max}, not '${value}'`);
  return undefined;
}

function readServer(
  text: string,
  tls: string | undefined,
  mode: 'development' | 'production',
  faults: string[],
): SmtpServer | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // The text may hold a password: it is not repeated.
  if (
    url === undefined ||
    !/^smtps?:$/.test(url.protocol) ||
    url.hostname === '' ||
    url.pathname.length > 1 ||
    url.search !== ''
  ) {
    faults.push('SMTP_URL must have the form smtp://user:password@host:port, or smtps: for TLS from the start');
    return undefined;
  }
  if (tls !== undefined && tls !== 'required' && tls !== 'offered' && tls !== 'off') {
    faults.push(`SMTP_TLS must be required, offered or off, not '${tls}'`);
    return undefined;
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const implicitTls = url.protocol === 'smtps:';
  const isLocal = host === 'localhost' || host === '::1' || host.startsWith('127.');
  return {
    host,
    port: url.port === '' ? (implicitTls ? 465 : 587) : Number(url.port),
    implicitTls,
    startTls: tls ?? (mode === 'production' && !isLocal ? 'required' : 'offered'),
    user: url.username === '' ? undefined : decodeURIComponent(url.username),
    password: url.username === '' ? undefined : decodeURIComponent(url.password),
  };
}
