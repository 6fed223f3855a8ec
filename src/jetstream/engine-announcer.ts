import type { OrderKey } from '../domain/order.ts';
import type { Topic } from '../domain/topic.ts';
import type { Logger } from '../log.ts';
import type { Announcer, NewTicket } from '../queue/announcements.ts';
import { callTogether } from '../queue/announcements.ts';
import type { NatsLink } from './connection.ts';
import type { ShardTopic } from './subjects.ts';
import { headFilter, headSubject, parseHeadSubject, relayWakeSubject } from './subjects.ts';
import { TicketAnswers } from './ticket-answers.ts';
import type { Tickets } from './tickets.ts';
import { topicName } from './topic-line.ts';

export interface EngineAnnouncerOptions {
  readonly link: NatsLink;
  readonly tickets: Tickets;
  readonly shard: number;
  readonly log: Logger;
  /** Names this process in hints, so that it does not take its own for another's. */
  readonly processId: string;
  /** This process's own lines hear of it first. */
  readonly onReady: (topic: Topic, key: OrderKey) => void;
  /**
   * Items of the priority queue became ready: whether somebody who waits in this process looks for them. `issue` issues
   * a ticket for those that the look leaves.
   */
  readonly onCall: (ticket: NewTicket, issue: (items: number) => void) => boolean;
}

const wakeGatherMilliseconds = 5;

/**
 * What the engine says after its commits, over NATS. None of it is waited for: rows replace whatever is lost.
 *
 * It is said in the next round of the event loop, all that gathered in one write: the callers get their answers first.
 */
export class EngineAnnouncer implements Announcer {
  readonly #options: EngineAnnouncerOptions;
  readonly #answers: TicketAnswers;
  #sayings: (() => void)[] = [];
  #scheduled = false;
  #wakeWanted = false;
  #wakeTimer: NodeJS.Timeout | undefined;
  /** Tickets whose storing failed or is unknown, since the start, for the metrics. */
  ticketsNotIssued = 0;

  constructor(options: EngineAnnouncerOptions) {
    this.#options = options;
    this.#answers = new TicketAnswers(options.link, options.tickets, () => performance.now());
  }

  issueTickets(newTickets: readonly NewTicket[]): void {
    const tickets = callTogether(newTickets).filter(
      (ticket) =>
        ticket.topic.system !== 'queue' ||
        !this.#options.onCall(ticket, (items) => this.#say(() => this.#issueTickets([{ ...ticket, items }]))),
    );
    if (tickets.length > 0) this.#say(() => this.#issueTickets(tickets));
  }

  itemBecameReady(topic: Topic, key: OrderKey): void {
    // Its own lines must know at once: whoever got an answer may claim the item with the next request.
    this.#options.onReady(topic, key);
    this.#say(() => {
      const payload = JSON.stringify({ from: this.#options.processId, ...key });
      this.#options.link.publish(headSubject(topicName(topic)), payload);
    });
  }

  eventsWritten(): void {
    this.#wakeWanted = true;
    this.#say();
  }

  acknowledge(replySubject: string): void {
    this.#say(() => this.#answers.send(replySubject, 'acknowledge'));
  }

  giveBack(replySubject: string): void {
    this.#say(() => this.#answers.send(replySubject, 'giveBack'));
  }

  giveBackAfter(replySubject: string, delayMilliseconds: number): void {
    this.#say(() => this.#options.tickets.giveBackAfter(replySubject, delayMilliseconds));
  }

  /** Says at once what gathered; to be called before the connection is closed. */
  close(): void {
    clearTimeout(this.#wakeTimer);
    this.#wakeTimer = undefined;
    this.#flush();
  }

  #flush(): void {
    const sayings = this.#sayings;
    this.#sayings = [];
    this.#scheduled = false;
    for (const say of sayings) say();
    if (this.#wakeTimer === undefined) this.#wakeRelay();
  }

  /** The first event after a rest wakes the relay at once; in a steady stream one wake does for many. */
  #wakeRelay(): void {
    this.#wakeTimer = undefined;
    if (!this.#wakeWanted) return;
    this.#wakeWanted = false;
    this.#options.link.publish(relayWakeSubject(this.#options.shard));
    this.#wakeTimer = setTimeout(() => this.#wakeRelay(), wakeGatherMilliseconds).unref();
  }

  #say(say?: () => void): void {
    if (say !== undefined) this.#sayings.push(say);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#flush());
  }

  #issueTickets(newTickets: readonly NewTicket[]): void {
    const { tickets, log } = this.#options;
    if (!this.#options.link.connected) {
      this.ticketsNotIssued += newTickets.length;
      return;
    }
    const issued = tickets.issue(
      newTickets.map(({ topic, itemId, priority, items, traceparent }) => ({
        ...topicName(topic),
        itemId,
        priority,
        items,
        traceparent: traceparent ?? undefined,
      })),
    );
    issued.catch((error: unknown) => {
      this.ticketsNotIssued += newTickets.length;
      log.debug({ err: error, tickets: newTickets.length }, 'tickets were not issued; the reconciler will');
    });
  }
}

export interface HeadListener {
  /** Another process made an item ready. */
  onReady(topic: ShardTopic, key: OrderKey): void;
  /** So many items lie ready; the reconciler says so again and again, to its own process, too. */
  onLying(topic: ShardTopic, items: number): void;
}

/** Listens to what is announced. @returns a function that ends it */
export function listenHeads(link: NatsLink, processId: string, listener: HeadListener): () => void {
  const subscription = link.subscribe(headFilter(), (message) => {
    const topic = parseHeadSubject(message.subject);
    const hint = message.json<{
      from?: unknown;
      priority?: unknown;
      deliverAfter?: unknown;
      id?: unknown;
      lying?: unknown;
    }>();
    if (topic === undefined || hint.from === processId) return;
    if (typeof hint.lying === 'number') return listener.onLying(topic, hint.lying);
    if (typeof hint.priority !== 'number' || typeof hint.deliverAfter !== 'string' || typeof hint.id !== 'string')
      return;
    listener.onReady(topic, { priority: hint.priority, deliverAfter: hint.deliverAfter, id: hint.id });
  });
  return () => subscription.unsubscribe();
}
