import { crashPoint } from '../crash-point.ts';
import { limits } from '../domain/limits.ts';
import type { OrderKey } from '../domain/order.ts';
import type { Topic } from '../domain/topic.ts';
import type { Logger } from '../log.ts';
import type { Shard } from '../postgres/shard.ts';
import type { Statement } from '../postgres/sql.ts';
import { loadStatement, toDate } from '../postgres/sql.ts';
import { HeadHint } from './head-hint.ts';
import type { HeldFloors } from './held-floors.ts';
import type { TicketInHand, TicketLine, TicketPuller } from './ticket-line.ts';

const settleTickets = loadStatement('settle-tickets');
const returnExpired = loadStatement('return-expired');

/** Picks that may run at once; the second only when the first takes long, as it waits for a lock or a slow disk. */
const picksAtOnce = 2;
/** Until then claimers gather for the next pick: one large pick costs less than two small ones (see `batcher.ts`). */
const slowPickMilliseconds = 15;
/** How long someone who may take none of the ready items is left out of the line. */
const parkMilliseconds = 1_000;
/** Without tickets the database is asked; this often for those who wait. */
const pollMilliseconds = 250;
const busyRetriesMax = 40;
/** A lease's ticket comes back a little after the lease has ended in the row, not before. */
const ticketSlackMilliseconds = 50;
/** Renewed while somebody waits; short enough that a pull lost inside NATS does not keep anyone waiting for long. */
const longPullMilliseconds = 10_000;

export interface ClaimRequest {
  readonly holder: string;
  /** Null for the topic's default. */
  readonly leaseSeconds: number | null;
  /** How many leases the holder may have at once in this namespace and system; null for any number. */
  readonly heldMax: number | null;
}

/** A row of a claim statement; the system's own columns come with it. */
export interface ClaimRow {
  readonly claimer: number;
  readonly outcome: 'claimed' | 'none' | 'limit' | 'busy' | 'paused';
  readonly item_id: string | null;
  readonly item_priority: number;
  readonly item_deliver_after: string;
  readonly item_attempt: number;
  readonly acquired_at: string;
  readonly expires_at: string;
  /** Only of systems that count a holder's leases. */
  readonly held_floor?: string;
  /** The first ready item before the last one taken that nobody in the batch may take, if there is one. */
  readonly left_priority?: number | null;
  readonly left_deliver_after?: string | null;
  readonly left_id?: string | null;
}

export type ClaimOutcome<Row extends ClaimRow> =
  | { readonly kind: 'claimed'; readonly token: string; readonly row: Row }
  | { readonly kind: 'none' | 'limit' | 'paused' | 'busy' };

interface SettledRow {
  readonly ticket: string;
  readonly outcome: 'ready' | 'leased' | 'surplus';
  readonly left_milliseconds: number | null;
}

interface ReturnedRow {
  readonly outcome: 'ready' | 'dead' | 'gone';
  readonly item_id: string;
  readonly priority: number;
  readonly deliver_after: string;
}

interface Place<Row extends ClaimRow> {
  readonly request: ClaimRequest;
  readonly settle: (outcome: ClaimOutcome<Row>) => void;
  readonly fail: (error: unknown) => void;
  /** Wants an answer at once, also when there is no ticket. */
  readonly atOnce: boolean;
  /** Takes the claimer out of every line it stands in; false when another topic is serving it already. */
  readonly take: () => boolean;
  /** Puts it back into its lines. */
  readonly putBack: () => void;
  busyRetries: number;
}

export type { Place as ClaimPlace };

export interface ClaimDeskOptions {
  readonly topic: Topic;
  readonly shard: Shard;
  /** The system's claim statement around `claim_items`. */
  readonly statement: Statement;
  readonly line: TicketLine;
  readonly floors: HeldFloors;
  readonly newToken: () => string;
  readonly now: () => number;
  readonly log: Logger;
  readonly observePick?: (claimers: number, claimed: number) => void;
  /** How many places one statement serves at most. */
  readonly pickRowsMax?: number;
}

/**
 * Where claimers of one topic stand in line in this process. Tickets are asked for as many as stand here; whoever
 * stands in line when tickets are in hand is served by one statement.
 */
export class ClaimDesk<Row extends ClaimRow> {
  readonly topic: Topic;
  readonly hint: HeadHint;
  readonly #options: ClaimDeskOptions;
  readonly #pickRowsMax: number;
  /** In line for an answer at once. */
  readonly #fresh = new Set<Place<Row>>();
  /** In line until a ticket comes. */
  readonly #waiting = new Set<Place<Row>>();
  readonly #parked = new Set<Place<Row>>();
  readonly #hand: TicketInHand[] = [];
  readonly #nowPuller: TicketPuller;
  readonly #longPuller: TicketPuller;
  #picks = 0;
  #pickedLastAt = Number.NEGATIVE_INFINITY;
  #slowTimer: NodeJS.Timeout | undefined;
  /** Claimers who wait a moment before they look again. */
  #comingBack = 0;
  #scheduled = false;
  #parkTimer: NodeJS.Timeout | undefined;
  #pollTimer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: ClaimDeskOptions) {
    this.#options = options;
    this.#pickRowsMax = options.pickRowsMax ?? limits.batchRows;
    this.topic = options.topic;
    this.hint = new HeadHint(options.now);
    const onTicket = (ticket: TicketInHand): void => {
      // On its way when the line was closed: nobody here would ever use it.
      if (this.#closed) {
        options.line.giveBack(ticket.replySubject);
        return;
      }
      this.#hand.push(ticket);
      this.#schedule();
    };
    this.#nowPuller = options.line.openPuller({
      onTicket,
      onPullEnded: (unfilled) => this.#answerEmptyHanded(unfilled),
    });
    this.#longPuller = options.line.openPuller({ onTicket, onPullEnded: () => this.#schedule() });
  }

  /** Whether nobody stands here, is being served, or is about to come back. */
  get idle(): boolean {
    const inLine = this.#fresh.size + this.#waiting.size + this.#parked.size;
    return inLine === 0 && this.#picks === 0 && this.#comingBack === 0;
  }

  enter(place: Place<Row>): void {
    (place.atOnce ? this.#fresh : this.#waiting).add(place);
    this.#schedule();
  }

  leave(place: Place<Row>): void {
    this.#fresh.delete(place);
    this.#waiting.delete(place);
    this.#parked.delete(place);
  }

  /** An item became ready, here or in another process: whoever was left out may look again. */
  itemBecameReady(key: OrderKey): void {
    this.hint.lower(key);
    this.#unpark();
  }

  /** So many items lie ready although nobody here got their tickets: as many of those who wait look without one. */
  itemsLieReady(items: number): void {
    if (this.#closed || this.#hand.length > 0) return;
    const places = takeFrom(this.#waiting, Math.min(items, this.#pickRowsMax));
    if (places.length === 0) return;
    this.#picks += 1;
    const none = places.map(() => undefined);
    void this.#pick(places, none, true);
  }

  /** Picks without a ticket, for a claimer whose topic has ready items while no ticket came. */
  async pickWithoutTicket(request: ClaimRequest): Promise<ClaimOutcome<Row>> {
    return (await this.pickManyWithoutTickets(request, 1))[0]!;
  }

  /** The same for so many items at once, at most as many as one statement serves. */
  async pickManyWithoutTickets(request: ClaimRequest, count: number): Promise<readonly ClaimOutcome<Row>[]> {
    const places: Place<Row>[] = [];
    const outcomes = Array.from(
      { length: count },
      () =>
        new Promise<ClaimOutcome<Row>>((settle, fail) => {
          places.push({
            request,
            settle,
            fail,
            atOnce: true,
            take: () => true,
            putBack: () => settle({ kind: 'busy' }),
            busyRetries: 0,
          });
        }),
    );
    this.#picks += 1;
    const none = places.map(() => undefined);
    void this.#pick(places, none, true);
    return Promise.all(outcomes);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#parkTimer);
    clearTimeout(this.#pollTimer);
    clearTimeout(this.#slowTimer);
    this.#nowPuller.close();
    this.#longPuller.close();
    for (const ticket of this.#hand.splice(0)) this.#options.line.giveBack(ticket.replySubject);
  }

  #schedule(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    // After the current round of input, so that callers and tickets that came together are served together.
    setImmediate(() => {
      this.#scheduled = false;
      if (!this.#closed) this.#serve();
    });
  }

  #serve(): void {
    const { line } = this.#options;
    if (!line.connected) {
      this.#serveWithoutTickets();
      return;
    }
    while (this.#hand.length > 0 && this.#mayPick(Math.min(this.#hand.length, this.#fresh.size + this.#waiting.size))) {
      const places = this.#takePlaces(Math.min(this.#hand.length, this.#pickRowsMax));
      if (places.length === 0) break;
      const tickets = this.#hand.splice(0, places.length);
      this.#picks += 1;
      this.#pickedLastAt = performance.now();
      void this.#pick(places, tickets, false);
    }
    const inLine = this.#fresh.size + this.#waiting.size;
    // Tickets that nobody here can use go back at once: someone elsewhere can.
    while (this.#hand.length > inLine) line.giveBack(this.#hand.pop()!.replySubject);
    const freshNeed = this.#fresh.size - this.#hand.length - this.#nowPuller.outstanding;
    if (freshNeed > 0) this.#nowPuller.pull({ batch: Math.min(freshNeed, this.#pickRowsMax), noWait: true });
    const spare = Math.max(0, this.#hand.length - this.#fresh.size);
    const longNeed = this.#waiting.size - spare - this.#longPuller.outstanding;
    // Few pulls may be open at once, so each asks for at least as many as all before it: the line's growth is then covered.
    if (longNeed > 0) {
      const batch = Math.min(Math.max(longNeed, this.#longPuller.outstanding), limits.ticketsPerPull);
      this.#longPuller.pull({ batch, expiresMs: longPullMilliseconds });
    }
  }

  #serveWithoutTickets(): void {
    this.#hand.length = 0; // their connection is gone; the server hands them out again
    while (this.#fresh.size > 0 && this.#mayPick(this.#fresh.size)) {
      const places = this.#takePlaces(Math.min(this.#fresh.size, this.#pickRowsMax));
      if (places.length === 0) break;
      this.#picks += 1;
      this.#pickedLastAt = performance.now();
      void this.#pick(
        places,
        places.map(() => undefined),
        true,
      );
    }
    if (this.#waiting.size > 0 && this.#pollTimer === undefined) {
      this.#pollTimer = setTimeout(() => {
        this.#pollTimer = undefined;
        if (this.#closed || this.#options.line.connected) {
          this.#schedule();
          return;
        }
        const places = this.#takePlaces(this.#pickRowsMax);
        if (places.length > 0) {
          this.#picks += 1;
          void this.#pick(
            places,
            places.map(() => undefined),
            true,
          );
        }
        this.#schedule();
      }, pollMilliseconds);
    }
  }

  /** Whether so many claimers are served now; otherwise they are when the running pick ends, or proves slow. */
  #mayPick(claimers: number): boolean {
    if (this.#picks === 0) return true;
    if (this.#picks >= picksAtOnce) return false;
    const left = slowPickMilliseconds - (performance.now() - this.#pickedLastAt);
    if (left <= 0 || claimers >= this.#pickRowsMax) return true;
    this.#slowTimer ??= setTimeout(() => {
      this.#slowTimer = undefined;
      this.#schedule();
    }, left);
    return false;
  }

  #takePlaces(count: number): Place<Row>[] {
    const places = takeFrom(this.#fresh, count);
    return places.concat(takeFrom(this.#waiting, count - places.length));
  }

  /**
   * A pull ended. As many claimers as it brought tickets too few, and for whom none is coming, get their answer; whoever
   * came in since then has not been asked for yet.
   */
  #answerEmptyHanded(unfilled: number): void {
    let without = Math.min(unfilled, this.#fresh.size - this.#hand.length - this.#nowPuller.outstanding);
    for (const place of this.#fresh) {
      if (without <= 0) break;
      without -= 1;
      this.#fresh.delete(place);
      if (place.take()) place.settle({ kind: 'none' });
    }
    this.#schedule();
  }

  async #pick(
    places: readonly Place<Row>[],
    tickets: readonly (TicketInHand | undefined)[],
    lookForExpired: boolean,
  ): Promise<void> {
    const { line, floors, topic } = this.#options;
    const unused: TicketInHand[] = [];
    if (tickets[0] !== undefined) crashPoint('claim_after_pull');
    try {
      // A ticket that was delivered before, or none at all: a lease may have run out without anybody noticing.
      if (lookForExpired || tickets.some((ticket) => ticket !== undefined && ticket.deliveryCount > 1)) {
        const returned = await this.#options.shard.run<ReturnedRow>(returnExpired, [[topic.id], limits.batchRows]);
        // What left the topic leaves its ticket behind; the reconciler gives dead letters tickets of their own.
        for (const row of returned)
          if (row.outcome === 'ready')
            this.hint.lower({ priority: row.priority, deliverAfter: row.deliver_after, id: row.item_id });
      }
      const picked = await this.#pickRows(places, tickets);
      let claimed = 0;
      for (const [index, place] of places.entries()) {
        const { row, token } = picked[index]!;
        const ticket = tickets[index];
        if (place.request.heldMax !== null) floors.set(topic.namespace, place.request.holder, row.held_floor!);
        if (row.outcome === 'claimed') {
          claimed += 1;
          crashPoint('claim_after_commit');
          if (ticket !== undefined)
            line.giveBackAfter(ticket.replySubject, leaseMilliseconds(row) + ticketSlackMilliseconds);
          place.settle({ kind: 'claimed', token, row });
          continue;
        }
        if (row.outcome === 'none') {
          if (ticket !== undefined) unused.push(ticket);
          if (place.atOnce) place.settle({ kind: 'none' });
          else this.#park(place);
          continue;
        }
        if (ticket !== undefined) this.#hand.push(ticket);
        if (row.outcome === 'busy' && place.busyRetries < busyRetriesMax) {
          place.busyRetries += 1;
          this.#comingBack += 1;
          setTimeout(() => {
            this.#comingBack -= 1;
            place.putBack();
            this.#schedule();
          }, 2);
        } else place.settle({ kind: row.outcome });
      }
      this.#options.observePick?.(places.length, claimed);
      if (unused.length > 0) void this.#settleUnused(unused);
    } catch (error) {
      for (const ticket of tickets) if (ticket !== undefined) line.giveBack(ticket.replySubject);
      for (const place of places) place.fail(error);
    } finally {
      this.#picks -= 1;
      this.#schedule();
    }
  }

  /** Runs the pick from the hinted head, and once more from the beginning for those whom the hint may have cheated. */
  async #pickRows(
    places: readonly Place<Row>[],
    tickets: readonly (TicketInHand | undefined)[],
  ): Promise<{ row: Row; token: string }[]> {
    const from = this.hint.begin();
    let answers: { row: Row; token: string }[];
    try {
      answers = await this.#runStatement(places, tickets, from);
    } catch (error) {
      this.hint.drop();
      throw error;
    }
    const short: number[] = [];
    let last: OrderKey | undefined;
    for (const [index, { row }] of answers.entries()) {
      if (row.outcome === 'none') short.push(index);
      else if (row.outcome === 'claimed') last = laterKey(last, row);
    }
    if (short.length === 0 && last !== undefined) {
      this.hint.advance(leftBehind(answers[0]!.row) ?? last);
      return answers;
    }
    this.hint.drop();
    if (short.length > 0 && from !== undefined) {
      try {
        const again = await this.#runStatement(
          short.map((index) => places[index]!),
          short.map((index) => tickets[index]),
          undefined,
        );
        for (const [place, index] of short.entries()) answers[index] = again[place]!;
      } catch (error) {
        // What the first statement handed out is committed: only those who came short hear of the failure.
        if (short.length === places.length) throw error;
        for (const index of short) places[index]!.fail(error);
      }
    }
    return answers;
  }

  async #runStatement(
    places: readonly Place<Row>[],
    tickets: readonly (TicketInHand | undefined)[],
    from: OrderKey | undefined,
  ): Promise<{ row: Row; token: string }[]> {
    const { shard, statement, floors, newToken, topic } = this.#options;
    const tokens = places.map(newToken);
    const rows = await shard.run<Row>(statement, [
      topic.id,
      places.map((place) => place.request.holder),
      tokens,
      places.map((place) => place.request.leaseSeconds),
      places.map((place) => place.request.heldMax),
      places.map((place) =>
        place.request.heldMax === null ? null : floors.get(topic.namespace, place.request.holder),
      ),
      tickets.map((ticket) => ticket?.replySubject ?? null),
      tickets.map((ticket) => ticket?.streamSequence ?? null),
      from?.priority ?? -2_147_483_648,
      from?.deliverAfter ?? '-infinity',
      from?.id ?? '00000000-0000-0000-0000-000000000000',
    ]);
    const answers = new Array<{ row: Row; token: string }>(places.length);
    for (const row of rows) answers[row.claimer - 1] = { row, token: tokens[row.claimer - 1]! };
    return answers;
  }

  /** Tickets for which there was nothing to take: given back, set to a lease's end, or acked away. */
  async #settleUnused(tickets: readonly TicketInHand[]): Promise<void> {
    const { line, shard, topic, log } = this.#options;
    let rows: SettledRow[];
    try {
      rows = await shard.run<SettledRow>(settleTickets, [
        topic.id,
        tickets.map((ticket) => ticket.streamSequence),
        tickets.map((ticket) => ticket.replySubject),
      ]);
    } catch (error) {
      log.debug({ err: error, topic: topic.name }, 'tickets could not be judged; they go back');
      for (const ticket of tickets) line.giveBack(ticket.replySubject);
      return;
    }
    for (const row of rows) {
      if (row.outcome === 'surplus') line.acknowledge(row.ticket);
      else if (row.outcome === 'leased')
        line.giveBackAfter(row.ticket, (row.left_milliseconds ?? 0) + ticketSlackMilliseconds);
      else line.giveBack(row.ticket);
    }
    log.debug({ topic: topic.name, outcomes: rows.map((row) => row.outcome) }, 'tickets without an item');
  }

  #park(place: Place<Row>): void {
    place.putBack();
    if (!this.#waiting.delete(place)) return; // it left meanwhile
    this.#parked.add(place);
    this.#parkTimer ??= setTimeout(() => this.#unpark(), parkMilliseconds);
  }

  #unpark(): void {
    clearTimeout(this.#parkTimer);
    this.#parkTimer = undefined;
    if (this.#parked.size === 0) return;
    for (const place of this.#parked) this.#waiting.add(place);
    this.#parked.clear();
    this.#schedule();
  }
}

/** Takes the first ones who can be served, at most so many, out of a line. */
function takeFrom<Row extends ClaimRow>(line: Set<Place<Row>>, count: number): Place<Row>[] {
  const places: Place<Row>[] = [];
  for (const place of line) {
    if (places.length >= count) break;
    line.delete(place);
    if (place.take()) places.push(place);
  }
  return places;
}

function leftBehind(row: ClaimRow): OrderKey | undefined {
  const { left_priority: priority, left_deliver_after: deliverAfter, left_id: id } = row;
  if (priority == null || deliverAfter == null || id == null) return undefined;
  return { priority, deliverAfter, id };
}

function leaseMilliseconds(row: ClaimRow): number {
  return toDate(row.expires_at).getTime() - toDate(row.acquired_at).getTime();
}

function laterKey(a: OrderKey | undefined, row: ClaimRow): OrderKey {
  const key = { priority: row.item_priority, deliverAfter: row.item_deliver_after, id: row.item_id! };
  if (a === undefined) return key;
  if (key.priority !== a.priority) return key.priority > a.priority ? key : a;
  if (key.deliverAfter !== a.deliverAfter) return key.deliverAfter > a.deliverAfter ? key : a;
  return key.id > a.id ? key : a;
}
