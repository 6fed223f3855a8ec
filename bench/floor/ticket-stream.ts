import type { Msg, NatsConnection } from 'nats';
import { nuid } from 'nats';
import { consumerName, streamOf } from '../../src/jetstream/subjects.ts';
import type { Ticket } from '../../src/jetstream/ticket.ts';
import { encodeTicket } from '../../src/jetstream/ticket.ts';

/** A delivered ticket: where to answer it, and its place in the stream. */
export interface PulledTicket {
  readonly replySubject: string;
  readonly sequence: number;
}

interface Slot {
  readonly inbox: string;
  wanted: number;
  tickets: PulledTicket[];
  onDone: (tickets: PulledTicket[]) => void;
}

/** Tickets with nothing around the client's plain publish and subscribe. */
export class TicketStream {
  readonly #connection: NatsConnection;
  readonly #nextSubject: string;
  readonly #acknowledgements = `_INBOX.${nuid.next()}`;
  readonly #free: Slot[] = [];
  /** Tickets whose storing the server has not confirmed, and those that it refused. */
  unconfirmed = 0;
  refused = 0;

  constructor(
    connection: NatsConnection,
    topic: { readonly system: 'cases'; readonly namespace: string; readonly topic: string },
  ) {
    this.#connection = connection;
    this.#nextSubject = `$JS.API.CONSUMER.MSG.NEXT.${streamOf(topic.system)}.${consumerName(topic)}`;
    connection.subscribe(this.#acknowledgements, {
      callback: (_error, message) => {
        this.unconfirmed -= 1;
        if (message.string().includes('"error"')) this.refused += 1;
      },
    });
  }

  /** As in the product, the answer to the caller does not wait for the ticket: the rows can replace it. */
  issue(ticket: Ticket): void {
    const { subject, headers } = encodeTicket(ticket);
    this.unconfirmed += 1;
    this.#connection.publish(subject, undefined, { headers, reply: this.#acknowledgements });
  }

  /** Takes up to so many tickets that wait; fewer when there are no more. */
  pull(count: number): Promise<PulledTicket[]> {
    return new Promise((resolve) => {
      const slot = this.#free.pop() ?? this.#openSlot();
      slot.wanted = count;
      slot.tickets = [];
      slot.onDone = resolve;
      this.#connection.publish(this.#nextSubject, JSON.stringify({ batch: count, no_wait: true }), {
        reply: slot.inbox,
      });
    });
  }

  acknowledge(replySubject: string): void {
    this.#connection.publish(replySubject, '+ACK');
  }

  giveBackAfter(replySubject: string, milliseconds: number): void {
    this.#connection.publish(replySubject, `-NAK {"delay":${milliseconds * 1_000_000}}`);
  }

  #openSlot(): Slot {
    const slot: Slot = { inbox: `_INBOX.${nuid.next()}`, wanted: 0, tickets: [], onDone: () => undefined };
    this.#connection.subscribe(slot.inbox, { callback: (_error, message) => this.#receive(slot, message) });
    return slot;
  }

  #receive(slot: Slot, message: Msg): void {
    // A status on the inbox itself ends the pull: there are no more.
    if (message.subject !== slot.inbox) slot.tickets.push(readTicket(message.reply ?? ''));
    else slot.wanted = 0;
    if (slot.tickets.length < slot.wanted) return;
    this.#free.push(slot);
    slot.onDone(slot.tickets);
  }
}

/** `$JS.ACK.<stream>.<consumer>.<delivered>.<stream sequence>.…` */
function readTicket(replySubject: string): PulledTicket {
  return { replySubject, sequence: Number(replySubject.split('.')[5]) };
}
