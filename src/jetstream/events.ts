import type { Msg } from 'nats';
import { headers } from 'nats';
import { limits } from '../domain/limits.ts';
import type { NatsLink, NatsSubscription } from './connection.ts';
import type { OutgoingMessage } from './publisher.ts';
import { PublishError, Publisher } from './publisher.ts';
import type { EventTopic } from './subjects.ts';
import { eventSubject, parseEventSubject } from './subjects.ts';
import { appendTrace } from './trace-header.ts';

/** Something that happened, from its row. */
export interface OutgoingEvent extends EventTopic {
  /** The row's id: within the stream's duplicate window (two minutes) an id is stored once, however often it is sent. */
  readonly id: string;
  readonly payload: Uint8Array | string;
  readonly traceparent?: string | undefined;
}

export interface ReceivedEvent extends EventTopic {
  readonly id: string;
  readonly payload: Uint8Array;
}

const idHeader = 'Nats-Msg-Id';

/** Publishes events to the stream `EVENTS`, for the relay. */
export class EventPublisher {
  readonly #publisher: Publisher;

  constructor(link: NatsLink) {
    this.#publisher = new Publisher(link);
  }

  /**
   * Publishes events in the order given. Resolves when all are stored, now or by an earlier attempt.
   * After an error the same list may be sent again: what is stored already counts as success. If the server refused one
   * in the middle of a thousand, others of that thousand may be stored before it is, so readers order by the event's own
   * position.
   * @throws PublishError naming the places in the list that were refused or not answered; events beyond the thousand in
   * which it happened were not sent
   */
  async publish(events: readonly OutgoingEvent[]): Promise<void> {
    for (let start = 0; start < events.length; start += limits.eventsPerPublish) {
      const messages = events.slice(start, start + limits.eventsPerPublish).map(encodeEvent);
      try {
        await this.#publisher.publish(messages);
      } catch (error) {
        throw error instanceof PublishError ? shift(error, start) : error;
      }
    }
  }

  close(): void {
    this.#publisher.close();
  }
}

/**
 * Listens to events as they are published, `filter` from `eventFilter`. This is core NATS: what is published while the
 * connection is down is missed, and an event that the relay sends twice comes twice. Whoever must have all of them
 * reads the rows after its last position, then drops what it knows.
 */
export function listenEvents(
  link: NatsLink,
  filter: string,
  onEvent: (event: ReceivedEvent) => void,
): NatsSubscription {
  return link.subscribe(filter, (message) => {
    const event = decodeEvent(message);
    if (event !== undefined) onEvent(event);
  });
}

function encodeEvent(event: OutgoingEvent): OutgoingMessage {
  const fields = headers();
  fields.append(idHeader, event.id);
  appendTrace(fields, event.traceparent);
  return { subject: eventSubject(event), headers: fields, payload: event.payload };
}

/** Undefined for what somebody else published there, without an id. */
function decodeEvent(message: Msg): ReceivedEvent | undefined {
  const topic = parseEventSubject(message.subject);
  const id = message.headers?.get(idHeader) ?? '';
  return topic === undefined || id === '' ? undefined : { ...topic, id, payload: message.data };
}

function shift(error: PublishError, start: number): PublishError {
  const refused = error.refused.map((refusal) => ({ ...refusal, index: refusal.index + start }));
  return new PublishError(
    error.message,
    refused,
    error.unanswered.map((index) => index + start),
    error.cause,
  );
}
