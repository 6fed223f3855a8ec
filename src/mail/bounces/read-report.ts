import type { Attachment, Email } from 'postal-mime';
import PostalMime from 'postal-mime';
import { limits } from '../../domain/limits.ts';

/** What a mail server tells of a mail that it was to deliver (RFC 3464). */
export interface DeliveryReport {
  /** Addresses to which the report itself was sent. */
  readonly sentTo: readonly string[];
  /** The `Message-ID` of the mail that it is about, where it quotes that. */
  readonly messageId: string | undefined;
  /** Why the mail was not delivered, and will not be; undefined when nothing failed for good. */
  readonly failure: string | undefined;
}

const statusTypes = ['message/delivery-status', 'message/global-delivery-status'];
const quoteTypes = ['message/rfc822', 'text/rfc822-headers', 'message/global', 'message/global-headers'];

/**
 * Reads a bounce message. What it holds was written by others: nothing of it is believed but what follows from the mail
 * that it names.
 * @returns undefined when it is no delivery report
 */
export async function readDeliveryReport(raw: Uint8Array): Promise<DeliveryReport | undefined> {
  let email: Email;
  try {
    email = await new PostalMime({ maxNestingDepth: 10, forceRfc822Attachments: true }).parse(raw);
  } catch {
    return undefined; // whatever it is, it is no report
  }
  const status = email.attachments.find(({ mimeType }) => statusTypes.includes(mimeType.toLowerCase()));
  if (status === undefined) return undefined;
  const quote = email.attachments.find(({ mimeType }) => quoteTypes.includes(mimeType.toLowerCase()));
  return {
    sentTo: readAddresses(email),
    messageId: quote === undefined ? undefined : readHeader(textOf(quote), 'message-id'),
    failure: readFailure(textOf(status)),
  };
}

function readAddresses(email: Email): readonly string[] {
  const received = email.headers
    .filter(({ key }) => key === 'to' || key === 'delivered-to' || key === 'x-original-to' || key === 'envelope-to')
    .map(({ value }) => value);
  return received.slice(0, limits.bounceAddressesRead);
}

/** A report has a block for the message and one for each recipient; ours has one recipient. */
function readFailure(text: string): string | undefined {
  for (const block of unfold(text).split(/\n\s*\n/)) {
    if (readField(block, 'action')?.toLowerCase() !== 'failed') continue;
    const diagnosis = readField(block, 'diagnostic-code')?.replace(/^[\w-]+;\s*/, '');
    return [readField(block, 'status'), diagnosis].filter((part) => part !== undefined).join(' ') || 'not delivered';
  }
  return undefined;
}

function readHeader(text: string, name: string): string | undefined {
  const head = unfold(text).split(/\n\s*\n/, 1)[0]!;
  return readField(head, name);
}

function readField(block: string, name: string): string | undefined {
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0 && line.slice(0, colon).trim().toLowerCase() === name) return line.slice(colon + 1).trim();
  }
  return undefined;
}

function unfold(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(/\n[ \t]+/g, ' ');
}

function textOf({ content }: Attachment): string {
  const bytes = typeof content === 'string' ? Buffer.from(content) : Buffer.from(content as ArrayBuffer);
  return bytes.subarray(0, limits.bouncePartBytes).toString('utf8');
}
