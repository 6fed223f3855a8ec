import type { MailAddress } from './mail-address.ts';

/** A mail as it goes out. Every field was checked. */
export interface OutgoingMail {
  readonly messageId: string;
  readonly from: MailAddress;
  /** Where it comes back when it cannot be delivered; to the sender when left out. */
  readonly returnPath?: string | undefined;
  readonly to: MailAddress;
  readonly subject: string;
  readonly html: string;
  readonly text: string;
  readonly at: Date;
}

/** Where mail goes: an SMTP server, or the mailbox of development. */
export interface MailTransport {
  /**
   * Hands one mail over.
   * @param beforeEnd is awaited when all of the mail but its end has left: until the end, no server can have it. When it
   * rejects, the end is not sent. A transport that may safely repeat itself does not call it.
   * @returns the server's answer
   * @throws MailError that says what is known of the mail now
   */
  send(mail: OutgoingMail, signal: AbortSignal, beforeEnd: () => Promise<void>): Promise<string>;
  /** Lets what is under way end, and closes connections. */
  close(): void;
}

/**
 * A mail was not sent, as far as is known:
 * - `TEMPORARY`: the server does not have it; another attempt may succeed
 * - `PERMANENT`: the server refused this mail for good
 * - `UNCERTAIN`: all of it went out, but no answer came: the server may have it or not
 * - `HELD`: that is so, and it is not sent again before somebody has decided
 */
export class MailError extends Error {
  override readonly name = 'MailError';
  readonly kind: 'TEMPORARY' | 'PERMANENT' | 'UNCERTAIN' | 'HELD';

  constructor(kind: MailError['kind'], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
  }
}
