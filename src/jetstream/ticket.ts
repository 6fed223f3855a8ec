import type { Msg } from 'nats';
import { headers } from 'nats';
import type { OutgoingMessage } from './publisher.ts';
import type { TopicName } from './subjects.ts';
import { ticketSubject } from './subjects.ts';
import { appendTrace, traceHeader } from './trace-header.ts';

/**
 * One turn on a topic: whoever holds it may work on the best item there. It names the item that opened it, its
 * priority and its shard, as hints and for people who look at the stream; what counts is the row.
 */
export interface Ticket extends TopicName {
  readonly shard: number;
  readonly itemId: string;
  readonly priority: number;
  /** In the priority queue a ticket calls for several items that became ready together; it names one of them. */
  readonly items?: number | undefined;
  /** W3C trace context of the request that opened the item. */
  readonly traceparent?: string | undefined;
}

/** One delivery of a message of a stream. */
export interface Delivery {
  readonly stream: string;
  readonly consumer: string;
  readonly streamSequence: number;
  /** 1 at the first delivery. */
  readonly deliveryCount: number;
}

/** A ticket as a puller got it. The hints are missing when somebody published it by hand. */
export interface ReceivedTicket extends Delivery {
  /** What acknowledges this ticket or gives it back, from any connection; stored with the lease. */
  readonly replySubject: string;
  readonly itemId: string | undefined;
  readonly priority: number | undefined;
  readonly shard: number | undefined;
  readonly items: number | undefined;
  readonly traceparent: string | undefined;
}

const itemHeader = 'Caseload-Item';
const priorityHeader = 'Caseload-Priority';
const shardHeader = 'Caseload-Shard';
const itemsHeader = 'Caseload-Items';

export function encodeTicket(ticket: Ticket): OutgoingMessage {
  const fields = headers();
  fields.append(itemHeader, ticket.itemId);
  fields.append(priorityHeader, String(ticket.priority));
  fields.append(shardHeader, String(ticket.shard));
  if (ticket.items !== undefined) fields.append(itemsHeader, String(ticket.items));
  appendTrace(fields, ticket.traceparent);
  return { subject: ticketSubject(ticket), headers: fields };
}

/** Reads a delivered ticket; undefined when the message is none that a consumer delivered. */
export function decodeTicket(message: Msg): ReceivedTicket | undefined {
  const replySubject = message.reply ?? '';
  const delivery = parseReplySubject(replySubject);
  if (delivery === undefined) return undefined;
  const fields = message.headers;
  return {
    replySubject,
    ...delivery,
    itemId: fields?.get(itemHeader) || undefined,
    priority: wholeNumber(fields?.get(priorityHeader)),
    shard: wholeNumber(fields?.get(shardHeader)),
    items: wholeNumber(fields?.get(itemsHeader)),
    traceparent: fields?.get(traceHeader) || undefined,
  };
}

/**
 * Reads the subject that acknowledges a delivery. Two forms are in use (ADR-15 of NATS):
 * `$JS.ACK.<stream>.<consumer>.<delivered>.<stream sequence>.<consumer sequence>.<time>.<pending>`, and one with
 * `<domain>.<account hash>` before the stream and possibly more at the end. The client has a parser, but exports it not.
 */
export function parseReplySubject(subject: string): Delivery | undefined {
  const parts = subject.split('.');
  if (parts[0] !== '$JS' || parts[1] !== 'ACK') return undefined;
  if (parts.length !== 9 && parts.length < 11) return undefined;
  const first = parts.length === 9 ? 2 : 4;
  const stream = parts[first];
  const consumer = parts[first + 1];
  const deliveryCount = wholeNumber(parts[first + 2]);
  const streamSequence = wholeNumber(parts[first + 3]);
  if (stream === undefined || consumer === undefined || deliveryCount === undefined || streamSequence === undefined)
    return undefined;
  return { stream, consumer, streamSequence, deliveryCount };
}

function wholeNumber(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : undefined;
}
