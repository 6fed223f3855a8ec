import { limits } from '../domain/limits.ts';
import type { NatsLink } from './connection.ts';
import type { Tickets } from './tickets.ts';

type Answer = 'acknowledge' | 'giveBack';

/** What was sent this shortly before a connection broke may not have arrived. */
const doubtMilliseconds = 1_000;

/**
 * Sends what becomes of tickets after a commit. What could not be sent, because NATS was down, and what was sent just
 * before the connection broke, is sent when it is back: else those tickets would stay under the timers of leases that
 * are over, too many by count and out of reach. Sent twice, an answer does nothing; for a ticket that somebody else
 * got meanwhile it is a wrong count, which the reconciler sets right.
 */
export class TicketAnswers {
  readonly #tickets: Tickets;
  readonly #now: () => number;
  readonly #owed = new Map<string, Answer>();
  #lately = new Map<string, Answer>();
  #before = new Map<string, Answer>();
  #turnedAt: number;

  constructor(link: NatsLink, tickets: Tickets, now: () => number) {
    this.#tickets = tickets;
    this.#now = now;
    this.#turnedAt = now();
    link.onChange((connected) => {
      if (connected) this.#sendAgain();
    });
  }

  send(replySubject: string, answer: Answer): void {
    const list = this.#tickets[answer](replySubject) ? this.#latest() : this.#owed;
    if (list.size < limits.natsMessagesInFlight) list.set(replySubject, answer);
  }

  #latest(): Map<string, Answer> {
    const now = this.#now();
    if (now - this.#turnedAt >= doubtMilliseconds) {
      this.#turnedAt = now;
      this.#before = this.#lately;
      this.#lately = new Map();
    }
    return this.#lately;
  }

  #sendAgain(): void {
    for (const answers of [this.#before, this.#lately, this.#owed]) {
      for (const [replySubject, answer] of answers) this.#tickets[answer](replySubject);
      answers.clear();
    }
  }
}
