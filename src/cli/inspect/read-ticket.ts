import type { Topic } from '../../domain/topic.ts';
import { callApi, isRefusal } from '../../jetstream/api.ts';
import type { NatsLink } from '../../jetstream/connection.ts';
import { NatsUnavailable } from '../../jetstream/connection.ts';
import { parseReplySubject } from '../../jetstream/ticket.ts';
import type { ConsumerLoad, Tickets } from '../../jetstream/tickets.ts';
import { topicName } from '../../jetstream/topic-line.ts';

const messageNotFound = 10037;

/** The ticket under which a case is held, as its row and the stream know it. */
export interface InspectedTicket {
  readonly stream: string;
  readonly sequence: number;
  readonly consumer: string;
  /** How often the ticket was handed out by the time of the claim. */
  readonly deliveryCount: number;
  readonly inStream: boolean;
  readonly subject: string | undefined;
  readonly publishedAt: Date | undefined;
}

/** What NATS knows: the ticket of the lease, and how many turns the topic has. Undefined where NATS cannot be asked. */
export interface InspectedTickets {
  readonly ofLease: InspectedTicket | null;
  /** Null when the topic has no consumer yet. */
  readonly ofTopic: ConsumerLoad | null;
}

interface StoredMessage {
  readonly message: { readonly subject: string; readonly time: string };
}

/** @param replySubject from the row; null when no ticket stands for the lease */
export async function readInspectedTickets(
  link: NatsLink,
  tickets: Tickets,
  topic: Topic,
  replySubject: string | null,
): Promise<InspectedTickets | undefined> {
  try {
    return {
      ofLease: replySubject === null ? null : await readTicket(link, replySubject),
      ofTopic: (await tickets.readLoad(topicName(topic))) ?? null,
    };
  } catch (error) {
    if (error instanceof NatsUnavailable) return undefined;
    throw error;
  }
}

async function readTicket(link: NatsLink, replySubject: string): Promise<InspectedTicket | null> {
  const delivery = parseReplySubject(replySubject);
  if (delivery === undefined) return null;
  const { stream, streamSequence: sequence, consumer, deliveryCount } = delivery;
  const stored = await readMessage(link, stream, sequence);
  return {
    stream,
    sequence,
    consumer,
    deliveryCount,
    inStream: stored !== undefined,
    subject: stored?.message.subject,
    publishedAt: stored === undefined ? undefined : new Date(stored.message.time),
  };
}

async function readMessage(link: NatsLink, stream: string, sequence: number): Promise<StoredMessage | undefined> {
  try {
    return await callApi<StoredMessage>(link, `STREAM.MSG.GET.${stream}`, { seq: sequence });
  } catch (error) {
    if (isRefusal(error, messageNotFound)) return undefined;
    throw error;
  }
}
