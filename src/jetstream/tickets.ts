import { limits } from '../domain/limits.ts';
import type { System } from '../domain/topic.ts';
import type { Logger } from '../log.ts';
import { apiErrors, callApi, isRefusal, orMissing } from './api.ts';
import type { NatsLink } from './connection.ts';
import { Publisher } from './publisher.ts';
import type { TopicName } from './subjects.ts';
import { consumerName, parseTicketSubject, streamOf } from './subjects.ts';
import type { ReceivedTicket, Ticket } from './ticket.ts';
import { encodeTicket, parseReplySubject } from './ticket.ts';
import type { PullEnd } from './ticket-puller.ts';
import { TicketPuller } from './ticket-puller.ts';

export interface PullerCallbacks {
  readonly onTicket: (ticket: ReceivedTicket) => void;
  readonly onPullEnded?: (pullId: number, unfilled: number, end: PullEnd) => void;
  readonly onConsumerMissing?: () => void;
}

/** How many tickets a topic has in its stream: those that wait and those that are held. */
export interface TicketCount extends TopicName {
  readonly tickets: number;
}

/** A topic's consumer as the server counts. `fresh` and `outstanding` together are the topic's open work. */
export interface ConsumerLoad {
  /** Tickets that were never handed out. */
  readonly fresh: number;
  /** Tickets that were handed out and not acknowledged: under a lease, under a delay, or back and not pulled again yet. */
  readonly outstanding: number;
  /** At this many outstanding tickets NATS hands out nothing more, without a word. */
  readonly outstandingMax: number;
  /** Outstanding tickets that were handed out more than once. */
  readonly redelivered: number;
  /** Pulls that wait for a ticket, of all processes. */
  readonly pulls: number;
}

/** Subjects that the server lists in one answer at most; there is more when a page is full. */
const subjectsPage = 100_000;
const nanosecondsPerMillisecond = 1_000_000;

/** The tickets of one NATS cluster: issue, pull, acknowledge, give back, count. */
export class Tickets {
  readonly #link: NatsLink;
  readonly #log: Logger;
  readonly #publisher: Publisher;

  constructor(link: NatsLink, log: Logger) {
    this.#link = link;
    this.#log = log;
    this.#publisher = new Publisher(link);
  }

  /** Tickets on their way to the server. */
  get inFlight(): number {
    return this.#publisher.inFlight;
  }

  /**
   * Puts tickets into their streams. Resolves when all are stored.
   * @throws PublishError when some were not, or it is not known (no connection, no stream, two seconds without an
   * answer, too many under way). The reconciler then issues what is missing; the caller need only count.
   */
  async issue(tickets: readonly Ticket[]): Promise<void> {
    await this.#publisher.publish(tickets.map(encodeTicket));
  }

  /** Opens the pulling of one topic's tickets; whoever opened it stops it. */
  openPuller(topic: TopicName, callbacks: PullerCallbacks): TicketPuller {
    return new TicketPuller(this.#link, {
      stream: streamOf(topic.system),
      consumer: consumerName(topic),
      log: this.#log,
      ...callbacks,
    });
  }

  /**
   * Takes a ticket out of the stream for good, whoever has it: NATS does not fence, so the row must have said yes first.
   * @returns false when it could not be sent; the ticket then comes again and finds nothing to do.
   */
  acknowledge(replySubject: string): boolean {
    return this.#answer(replySubject, '+ACK');
  }

  /** Makes a ticket available to others at once, also one that was given back with a delay. False: could not be sent. */
  giveBack(replySubject: string): boolean {
    return this.#answer(replySubject, '-NAK');
  }

  /**
   * Makes a ticket available to others after a delay, in milliseconds from when the server reads this. This is the
   * lease's timer: a later call replaces the earlier one, to longer or to shorter. False: could not be sent.
   * After a restart of the server a timer may end up to a second early.
   */
  giveBackAfter(replySubject: string, delayMs: number): boolean {
    if (!(delayMs >= 1)) return this.giveBack(replySubject);
    return this.#answer(replySubject, `-NAK {"delay":${Math.ceil(delayMs) * nanosecondsPerMillisecond}}`);
  }

  /**
   * Counts the tickets of every topic of a system, held ones included. Topics without tickets are not in the list.
   * @throws NatsUnavailable, or JetStreamRefusal when the stream does not exist
   */
  async countTickets(system: System): Promise<readonly TicketCount[]> {
    const counts: TicketCount[] = [];
    for (let offset = 0; ; offset += subjectsPage) {
      const request = { subjects_filter: `${system}.>`, offset };
      const { state } = await callApi<{ state: { subjects?: Record<string, number> } }>(
        this.#link,
        `STREAM.INFO.${streamOf(system)}`,
        request,
      );
      const page = Object.entries(state.subjects ?? {});
      for (const [subject, tickets] of page) {
        const topic = parseTicketSubject(subject);
        if (topic !== undefined) counts.push({ ...topic, tickets });
      }
      if (page.length < subjectsPage) return counts;
    }
  }

  /** What the server says of a topic's consumer; undefined when it does not exist. */
  async readLoad(topic: TopicName): Promise<ConsumerLoad | undefined> {
    const info = await orMissing(
      callApi<ConsumerInfo>(this.#link, `CONSUMER.INFO.${streamOf(topic.system)}.${consumerName(topic)}`),
    );
    if (info === undefined) return undefined;
    return {
      fresh: info.num_pending,
      outstanding: info.num_ack_pending,
      outstandingMax: info.config.max_ack_pending,
      redelivered: info.num_redelivered,
      pulls: info.num_waiting,
    };
  }

  /**
   * Takes up to so many waiting tickets of a topic out of its stream; held ones stay.
   * @returns how many were taken: fewer when fewer wait, or claimers were quicker.
   * @throws NatsUnavailable when the server did not answer
   */
  async removeSurplus(topic: TopicName, count: number): Promise<number> {
    let removed = 0;
    while (removed < count) {
      const wanted = Math.min(count - removed, limits.ticketsPerPull);
      const taken = await this.#takeAway(topic, wanted);
      removed += taken;
      if (taken < wanted) break;
    }
    if (removed > 0) await this.#link.flush();
    return removed;
  }

  /** Ends what is under way with an error. Pullers are stopped by who opened them. */
  close(): void {
    this.#publisher.close();
  }

  async #takeAway(topic: TopicName, count: number): Promise<number> {
    const ended = Promise.withResolvers<void>();
    let taken = 0;
    const puller = this.openPuller(topic, {
      onTicket: (ticket) => {
        if (this.acknowledge(ticket.replySubject)) taken += 1;
      },
      onPullEnded: () => ended.resolve(),
    });
    try {
      if (puller.pull({ batch: count, noWait: true }) !== undefined) await ended.promise;
    } finally {
      await puller.stop();
    }
    return taken;
  }

  #answer(replySubject: string, payload: string): boolean {
    // It comes from a row: anything but the answer to a delivery is not sent anywhere.
    if (parseReplySubject(replySubject) === undefined) {
      this.#log.warn({ replySubject }, 'not the reply subject of a ticket');
      return false;
    }
    return this.#link.publish(replySubject, payload);
  }
}

/** The topic's consumer or stream is not there: provision, or ensure the consumer, then try again. */
export function isMissing(error: unknown): boolean {
  return isRefusal(error, apiErrors.streamNotFound) || isRefusal(error, apiErrors.consumerNotFound);
}

interface ConsumerInfo {
  readonly num_pending: number;
  readonly num_ack_pending: number;
  readonly num_redelivered: number;
  readonly num_waiting: number;
  readonly config: { readonly max_ack_pending: number };
}
