import type { Msg } from 'nats';
import { nuid } from 'nats';
import { limits } from '../domain/limits.ts';
import type { Logger } from '../log.ts';
import type { NatsLink, NatsSubscription } from './connection.ts';
import type { ReceivedTicket } from './ticket.ts';
import { decodeTicket } from './ticket.ts';

/**
 * How many tickets (more than `limits.ticketsPerPull` are not asked for at once), and how long to wait for them: not at
 * all, or 1 to `limits.waitMilliseconds`.
 *
 * A pull that gets lost in a change of leader inside NATS is noticed only when its time is over, so waits of about ten
 * seconds, renewed, are better than long ones. One that does not wait may miss what was stored just before: the server
 * counts a message for its consumers a moment after it has acknowledged it (measured: 5 % of pulls sent right after the
 * acknowledgement found nothing). Where that matters, wait some milliseconds.
 */
export type PullRequest =
  | { readonly batch: number; readonly noWait: true }
  | { readonly batch: number; readonly noWait?: false; readonly expiresMs: number };

/**
 * Why a pull is over: it got all its tickets; the wait was over (or there were none, for one that does not wait); the
 * connection broke; the consumer does not exist; the server refused it; or nothing was heard of it in time.
 */
export type PullEnd = 'filled' | 'expired' | 'disconnected' | 'consumer missing' | 'refused' | 'lost' | 'stopped';

export interface TicketPullerOptions {
  readonly stream: string;
  readonly consumer: string;
  readonly log: Logger;
  readonly onTicket: (ticket: ReceivedTicket) => void;
  /** After the last ticket of a pull. `unfilled` is how many of the asked-for tickets will not come. */
  readonly onPullEnded?: (pullId: number, unfilled: number, end: PullEnd) => void;
  /** The consumer (or its stream) does not exist: make it again, then pull again. Comes once for each pull that met it. */
  readonly onConsumerMissing?: () => void;
  /** How long after its expiry a pull may stay silent before it counts as lost. */
  readonly graceMs?: number;
}

interface OpenPull {
  readonly id: number;
  readonly batch: number;
  readonly timer: NodeJS.Timeout;
  delivered: number;
}

/** An inbox of its own for one pull at a time. */
interface Slot {
  readonly inbox: string;
  readonly subscription: NatsSubscription;
  pull: OpenPull | undefined;
}

const nanosecondsPerMillisecond = 1_000_000;

/**
 * Pulls tickets of one consumer for many waiting claimers.
 *
 * A delivered ticket keeps its own subject, and the answer that ends a pull without waiting names no count, so only the
 * subscription on which a ticket arrives tells which pull asked for it. Hence one subscription for each open pull: a
 * few (`limits.ticketPullsAtOnce`), opened when first needed and used again. Thus it is known exactly, at any moment,
 * how many tickets are still to come.
 *
 * Requests are raw: the client's `fetch` costs more than half of the throughput with 64 callers.
 */
export class TicketPuller {
  readonly #link: NatsLink;
  readonly #options: TicketPullerOptions;
  readonly #nextSubject: string;
  readonly #graceMs: number;
  readonly #endWatch: () => void;
  #slots: Slot[] = [];
  #nextPull = 1;
  #outstanding = 0;
  #stopped = false;

  constructor(link: NatsLink, options: TicketPullerOptions) {
    this.#link = link;
    this.#options = options;
    this.#nextSubject = `$JS.API.CONSUMER.MSG.NEXT.${options.stream}.${options.consumer}`;
    this.#graceMs = options.graceMs ?? limits.natsRequestMilliseconds;
    this.#endWatch = link.onChange((connected) => {
      if (!connected) this.#forgetAll('disconnected');
    });
  }

  /** Tickets asked for that may still come. */
  get outstanding(): number {
    return this.#outstanding;
  }

  /**
   * Asks for tickets.
   * @returns the pull's id; undefined, and nothing is asked, when there is no connection, the puller was stopped, or
   * `limits.ticketPullsAtOnce` pulls are open: then ask for the sum at the next ticket or end of a pull.
   */
  pull(request: PullRequest): number | undefined {
    if (this.#stopped || !this.#link.connected) return undefined;
    const { batch, expiresMs } = checkRequest(request);
    const slot = this.#freeSlot();
    if (slot === undefined) return undefined;
    const id = this.#nextPull++;
    const timer = setTimeout(() => this.#lose(slot), expiresMs + this.#graceMs);
    slot.pull = { id, batch, timer, delivered: 0 };
    this.#outstanding += batch;
    // Without a wait there is no `expires` either: with both, the server waits for the first ticket after all.
    const body = request.noWait ? { batch, no_wait: true } : { batch, expires: expiresMs * nanosecondsPerMillisecond };
    this.#link.publish(this.#nextSubject, JSON.stringify(body), { reply: `${slot.inbox}.${id}` });
    return id;
  }

  /**
   * Asks for nothing more and lets the server take back what it has not sent. Tickets that were already on their way
   * still reach `onTicket` before this resolves. Safe to call twice.
   */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#endWatch();
    const slots = this.#slots;
    await Promise.all(slots.map((slot) => this.#retire(slot)));
    for (const slot of slots) this.#end(slot, 'stopped');
    this.#slots = [];
  }

  #freeSlot(): Slot | undefined {
    const free = this.#slots.find((slot) => slot.pull === undefined);
    if (free !== undefined || this.#slots.length >= limits.ticketPullsAtOnce) return free;
    const inbox = `_INBOX.${nuid.next()}`;
    const slot: Slot = {
      inbox,
      subscription: this.#link.subscribe(`${inbox}.*`, (message) => this.#receive(slot, message)),
      pull: undefined,
    };
    this.#slots.push(slot);
    return slot;
  }

  #receive(slot: Slot, message: Msg): void {
    if (message.subject.startsWith(slot.inbox)) this.#receiveStatus(slot, message);
    else this.#receiveTicket(slot, message);
  }

  #receiveTicket(slot: Slot, message: Msg): void {
    const { pull } = slot;
    if (pull !== undefined && pull.delivered < pull.batch) {
      pull.delivered += 1;
      this.#outstanding -= 1;
    }
    const ticket = decodeTicket(message);
    if (ticket === undefined)
      this.#options.log.warn({ subject: message.subject }, 'a message without a delivery came to a puller');
    else this.#tell(() => this.#options.onTicket(ticket));
    if (pull !== undefined && pull === slot.pull && pull.delivered === pull.batch) this.#end(slot, 'filled');
  }

  #receiveStatus(slot: Slot, message: Msg): void {
    const code = message.headers?.code ?? 0;
    const id = Number(message.subject.slice(slot.inbox.length + 1));
    // 100 is a sign of life; an answer to an earlier pull of this slot says nothing about the present one.
    if (code === 100 || slot.pull?.id !== id) return;
    const description = message.headers?.description ?? '';
    const end = endOf(code, description);
    if (end === 'refused')
      this.#options.log.warn({ consumer: this.#options.consumer, code, description }, 'NATS refused a pull');
    this.#end(slot, end);
    if (end === 'consumer missing') this.#tell(() => this.#options.onConsumerMissing?.());
  }

  #end(slot: Slot, end: PullEnd): void {
    const { pull } = slot;
    if (pull === undefined) return;
    slot.pull = undefined;
    clearTimeout(pull.timer);
    const unfilled = pull.batch - pull.delivered;
    this.#outstanding -= unfilled;
    this.#tell(() => this.#options.onPullEnded?.(pull.id, unfilled, end));
  }

  /** An owner's error must not upset the count, nor end the process from a timer. */
  #tell(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.#options.log.error({ err: error, consumer: this.#options.consumer }, 'the owner of a puller failed');
    }
  }

  /**
   * No word of a pull although its time is over: the server that had it is gone, or the consumer has as many tickets
   * out as it may. The slot's inbox ends with it, which also takes the pull from the server, wherever it still is.
   */
  #lose(slot: Slot): void {
    this.#options.log.warn({ consumer: this.#options.consumer }, 'NATS did not end a pull in time');
    this.#slots = this.#slots.filter((other) => other !== slot);
    this.#end(slot, 'lost');
    void this.#retire(slot);
  }

  #forgetAll(end: PullEnd): void {
    const slots = this.#slots;
    this.#slots = [];
    for (const slot of slots) {
      // After a reconnection an old pull may live on in the server; with its inbox gone it gets no ticket any more.
      slot.subscription.unsubscribe();
      this.#end(slot, end);
    }
  }

  async #retire(slot: Slot): Promise<void> {
    try {
      await slot.subscription.drain();
    } catch (error) {
      this.#options.log.debug({ err: error }, 'an inbox could not be drained');
    }
  }
}

function checkRequest(request: PullRequest): { readonly batch: number; readonly expiresMs: number } {
  const batch = Math.min(request.batch, limits.ticketsPerPull);
  if (!Number.isInteger(batch) || batch < 1) throw new RangeError(`${request.batch} is not a number of tickets`);
  if (request.noWait) return { batch, expiresMs: 0 };
  // An expiry of 0 would mean for ever.
  const expiresMs = Math.min(Math.ceil(request.expiresMs), limits.waitMilliseconds);
  if (!(expiresMs >= 1)) throw new RangeError(`${request.expiresMs} is not a number of milliseconds to wait`);
  return { batch, expiresMs };
}

function endOf(code: number, description: string): PullEnd {
  if (code === 404 || code === 408) return 'expired';
  if (code === 503 || (code === 409 && description === 'Consumer Deleted')) return 'consumer missing';
  // Not a refusal but an end: the pull was known to a server that does not lead the consumer any more.
  if (code === 409 && (description === 'Leadership Change' || description === 'Server Shutdown')) return 'lost';
  return 'refused';
}
