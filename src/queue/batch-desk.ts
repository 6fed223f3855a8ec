import { crashPoint } from '../crash-point.ts';
import { limits } from '../domain/limits.ts';
import type { OrderKey } from '../domain/order.ts';
import { firstKey } from '../domain/order.ts';
import type { Topic } from '../domain/topic.ts';
import type { Shard } from '../postgres/shard.ts';
import type { Statement } from '../postgres/sql.ts';
import { HeadHint } from './head-hint.ts';
import type { TicketInHand, TicketLine, TicketPuller } from './ticket-line.ts';

/** Looks that may run at once: one writes while the next is read. */
const looksAtOnce = 2;
/** How long someone who may take nothing, although items are ready, is left out of the line. */
const parkMilliseconds = 1_000;
/** Without tickets the database is asked; this often for those who wait. */
const pollMilliseconds = 250;
const busyRetriesMax = 40;
const busyMilliseconds = 2;
/** Renewed while somebody waits; short enough that a pull lost inside NATS does not keep anyone waiting for long. */
const longPullMilliseconds = 10_000;

/** What a caller asks of one topic. */
export interface BatchRequest {
  readonly holder: string;
  /** Null for the item's or the topic's default. */
  readonly leaseSeconds: number | null;
}

/** A row of the statement that takes items; the system's own columns come with it. */
export interface BatchRow {
  /** The item's place among those wanted, from 1; 0 for the row that tells how it went. */
  readonly n: number;
  readonly item_id: string;
  readonly item_priority: number;
  readonly item_deliver_after: string;
  readonly note: unknown;
}

/** How a look went. */
interface LookNote {
  readonly outcome: 'filled' | 'drained' | 'full' | 'paused' | 'busy';
  readonly acquiredAt: string;
  readonly maxAttempts: number;
  readonly left: OrderKey | null;
  /** How many items the look returned to the topic, because their leases had ended. */
  readonly returned: number;
  /** How many went to the topic of dead letters, and which that is. */
  readonly died?: { readonly topicId: number; readonly items: number } | null;
}

export interface TakenItem<Row extends BatchRow> {
  readonly topic: Topic;
  readonly token: string;
  readonly row: Row;
  /** PostgreSQL's text. */
  readonly acquiredAt: string;
  readonly maxAttempts: number;
}

export type Taken<Row extends BatchRow> =
  | { readonly kind: 'taken'; readonly items: readonly TakenItem<Row>[] }
  /** Nothing is ready; as many are in flight as may be; the topic is paused; somebody else is counting. */
  | { readonly kind: 'none' | 'full' | 'paused' | 'busy' };

export interface BatchPlace<Row extends BatchRow> {
  readonly request: BatchRequest;
  /** How many items it takes at most. */
  readonly count: number;
  readonly settle: (taken: Taken<Row>) => void;
  readonly fail: (error: unknown) => void;
  /** Wants an answer at once, also when nothing is ready. */
  readonly atOnce: boolean;
  /** Takes the caller out of every line it stands in; false when another topic is serving it already. */
  readonly take: () => boolean;
  /** Puts it back into its lines. */
  readonly putBack: () => void;
  busyRetries: number;
}

/** What makes those who wait look: a ticket, or word from this very process. It is answered once. */
export interface Call {
  /** How many items it calls for. */
  readonly items: number;
  /** It has been answered. */
  acknowledge(): void;
  /** Somebody else may answer it; so many items are left, as far as is known. */
  giveBack(items: number): void;
  /** Whether it is a ticket, which is lost to this process with its connection. */
  readonly isTicket: boolean;
}

export interface BatchDeskOptions {
  readonly topic: Topic;
  readonly shard: Shard;
  readonly statement: Statement;
  readonly line: TicketLine;
  readonly newToken: () => string;
  readonly now: () => number;
  readonly observeLook?: ((callers: number) => void) | undefined;
  /** A look returned items whose leases had ended, and did not take all that is ready. */
  readonly onReturned: (topic: Topic, items: number) => void;
  /** A look sent items, whose last leases had ended, to another topic of the shard. */
  readonly onDied: (shard: number, topicId: number, items: number) => void;
}

/**
 * Where callers of one topic of the priority queue stand in this process.
 *
 * Whoever wants an answer now is served from the rows, all who came in the same moment by one statement. Tickets are for
 * those who wait. Here a ticket is a call, and not one item's: it says that some items have become ready, and whoever
 * gets it looks. It goes when the look has taken as many as it called for, or has found that nothing more is ready;
 * else it is given back, and calls the next. Items that become ready in this very process, while somebody waits in it, call
 * without a ticket; one is issued only when the look leaves something.
 */
export class BatchDesk<Row extends BatchRow> {
  readonly topic: Topic;
  readonly #options: BatchDeskOptions;
  readonly #hint: HeadHint;
  readonly #fresh = new Set<BatchPlace<Row>>();
  /** In line until a ticket comes. */
  readonly #waiting = new Set<BatchPlace<Row>>();
  readonly #parked = new Set<BatchPlace<Row>>();
  readonly #puller: TicketPuller;
  #hand: Call[] = [];
  #looks = 0;
  #comingBack = 0;
  #scheduled = false;
  #parkTimer: NodeJS.Timeout | undefined;
  #pollTimer: NodeJS.Timeout | undefined;
  #closed = false;
  /** The last look found nothing more, and nothing was heard since. */
  #drained = false;
  /** Counts what was heard, so that a look knows whether its news is old. */
  #heard = 0;

  constructor(options: BatchDeskOptions) {
    this.#options = options;
    this.topic = options.topic;
    this.#hint = new HeadHint(options.now);
    this.#puller = options.line.openPuller({
      onTicket: (ticket) => {
        // On its way when the line was closed: nobody here would ever use it.
        if (this.#closed) return options.line.giveBack(ticket.replySubject);
        this.#hear();
        this.#hand.push(toCall(options.line, ticket));
        this.#schedule();
      },
      onPullEnded: () => this.#schedule(),
    });
  }

  /** Whether nobody stands here, is being served, or is about to come back. */
  get idle(): boolean {
    const inLine = this.#fresh.size + this.#waiting.size + this.#parked.size;
    return inLine === 0 && this.#looks === 0 && this.#comingBack === 0;
  }

  /** Whether somebody who is going to wait need not look first: nothing was ready, and a ticket will tell of the next. */
  get drained(): boolean {
    return this.#drained && this.#options.line.connected;
  }

  enter(place: BatchPlace<Row>): void {
    (place.atOnce ? this.#fresh : this.#waiting).add(place);
    this.#schedule();
  }

  leave(place: BatchPlace<Row>): void {
    this.#fresh.delete(place);
    this.#waiting.delete(place);
    this.#parked.delete(place);
  }

  /** An item became ready, here or in another process: whoever was left out may look again. */
  itemBecameReady(key: OrderKey): void {
    this.#hint.lower(key);
    this.#hear();
    this.#unpark();
  }

  /** So many items lie ready although nobody here was called: those who wait look without a ticket. */
  itemsLieReady(items: number): void {
    this.#hear();
    if (this.#closed || this.#hand.length > 0) return;
    const places = this.#takeCalled(items, limits.queueItemsPerCall);
    if (places.length > 0) void this.#look(places, []);
  }

  /**
   * Items became ready in this process: those who wait here look, without a ticket.
   * @returns whether the call will be answered here; no, when nobody waits
   */
  offer(call: Call): boolean {
    if (this.#closed || this.#waiting.size === 0) return false;
    this.#hear();
    this.#hand.push(call);
    this.#schedule();
    return true;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#parkTimer);
    clearTimeout(this.#pollTimer);
    this.#puller.close();
    this.#giveBackHand();
  }

  #hear(): void {
    this.#heard += 1;
    this.#drained = false;
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
    const { connected } = this.#options.line;
    // Those of a connection that is gone are handed out again by the server.
    if (!connected) this.#hand = this.#hand.filter((call) => !call.isTicket);
    while (this.#looks < looksAtOnce) {
      const places = takeFrom(this.#fresh, limits.queueItemsPerCall);
      const calls = this.#hand.splice(0);
      if (calls.length > 0) {
        const called = calls.reduce((sum, { items }) => sum + items, 0);
        places.push(...this.#takeCalled(called, limits.queueItemsPerCall - wantedBy(places)));
      }
      if (places.length === 0) {
        this.#hand.push(...calls);
        break;
      }
      void this.#look(places, calls);
    }
    if (!connected) this.#poll();
    // A ticket that nobody here can use goes back at once: someone elsewhere can.
    else if (this.#waiting.size === 0) this.#giveBackHand();
    else if (this.#hand.length === 0 && this.#puller.outstanding === 0)
      this.#puller.pull({ batch: 1, expiresMs: longPullMilliseconds });
  }

  #poll(): void {
    if (this.#waiting.size === 0 || this.#pollTimer !== undefined) return;
    this.#pollTimer = setTimeout(() => {
      this.#pollTimer = undefined;
      if (!this.#closed && !this.#options.line.connected) {
        const places = takeFrom(this.#waiting, limits.queueItemsPerCall);
        if (places.length > 0) void this.#look(places, []);
      }
      this.#schedule();
    }, pollMilliseconds);
  }

  /** As many of those who wait as so many items call for, and one more item, to learn whether anything else is ready. */
  #takeCalled(items: number, room: number): BatchPlace<Row>[] {
    const places: BatchPlace<Row>[] = [];
    let wanted = 0;
    for (const place of this.#waiting) {
      if (wanted > items || wanted + place.count > room) break;
      this.#waiting.delete(place);
      if (!place.take()) continue;
      places.push(place);
      wanted += place.count;
    }
    return places;
  }

  #giveBackHand(): void {
    for (const call of this.#hand.splice(0)) call.giveBack(call.items);
  }

  async #look(places: readonly BatchPlace<Row>[], calls: readonly Call[]): Promise<void> {
    const { observeLook, onReturned, onDied } = this.#options;
    this.#looks += 1;
    const heard = this.#heard;
    if (calls.length > 0) crashPoint('claim_after_pull');
    try {
      const { note, items } = await this.#take(places);
      if (items.length > 0) crashPoint('claim_after_commit');
      observeLook?.(places.length);
      if (note.outcome === 'filled') this.#drained = false;
      else if (note.outcome === 'drained' && heard === this.#heard) this.#drained = true;
      if (note.returned > 0 && note.outcome !== 'drained') onReturned(this.topic, note.returned);
      if (note.died != null) onDied(this.topic.shard, note.died.topicId, note.died.items);
      this.#hand.push(...answerCalls(calls, note.outcome, items.length));
      let start = 0;
      for (const place of places) {
        const own = items.slice(start, start + place.count);
        start += own.length;
        if (own.length > 0) place.settle({ kind: 'taken', items: own });
        else this.#disappoint(place, note.outcome);
      }
      if (note.outcome === 'full' || note.outcome === 'paused') this.#disappointWaiting(note.outcome);
    } catch (error) {
      for (const call of calls) call.giveBack(call.items);
      for (const place of places) place.fail(error);
    } finally {
      this.#looks -= 1;
      this.#schedule();
    }
  }

  /** For somebody who got nothing. */
  #disappoint(place: BatchPlace<Row>, outcome: LookNote['outcome']): void {
    if (outcome === 'busy' && place.busyRetries < busyRetriesMax) {
      place.busyRetries += 1;
      this.#comingBack += 1;
      setTimeout(() => {
        this.#comingBack -= 1;
        place.putBack();
        this.#schedule();
      }, busyMilliseconds);
    } else if (outcome === 'paused' || outcome === 'busy') place.settle({ kind: outcome });
    else if (place.atOnce) place.settle({ kind: outcome === 'full' ? 'full' : 'none' });
    else if (outcome === 'full') this.#park(place);
    else place.putBack();
  }

  /** What keeps one from taking anything keeps everybody: else each of them would be called in turn. */
  #disappointWaiting(outcome: 'full' | 'paused'): void {
    for (const place of [...this.#waiting]) {
      this.#waiting.delete(place);
      if (place.take()) this.#disappoint(place, outcome);
    }
  }

  async #take(
    places: readonly BatchPlace<Row>[],
  ): Promise<{ readonly note: LookNote; readonly items: readonly TakenItem<Row>[] }> {
    const { shard, statement, newToken, topic } = this.#options;
    const wanted = wantedBy(places);
    const tokens = Array.from({ length: wanted }, newToken);
    const from = this.#hint.begin() ?? firstKey;
    let rows: readonly Row[];
    try {
      rows = await shard.run<Row>(statement, [
        topic.id,
        places.map((place) => place.request.holder),
        places.map((place) => place.request.leaseSeconds),
        arrayText(places.flatMap((place, index) => new Array<number>(place.count).fill(index + 1))),
        arrayText(tokens),
        from.priority,
        from.deliverAfter,
        from.id,
      ]);
    } catch (error) {
      this.#hint.drop();
      throw error;
    }
    const note = rows.find((row) => row.n === 0)!.note as LookNote;
    const { acquiredAt, maxAttempts } = note;
    const items = new Array<TakenItem<Row>>(rows.length - 1);
    for (const row of rows)
      if (row.n > 0) items[row.n - 1] = { topic, token: tokens[row.n - 1]!, row, acquiredAt, maxAttempts };
    const last = items.at(-1)?.row;
    if (note.outcome !== 'filled' || last === undefined) this.#hint.drop();
    else
      this.#hint.advance(
        note.left ?? { priority: last.item_priority, deliverAfter: last.item_deliver_after, id: last.item_id },
      );
    return { note, items };
  }

  #park(place: BatchPlace<Row>): void {
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

/**
 * Settles the calls that brought a look about. None stays with anybody: it goes when it has been answered, else it calls
 * somebody else.
 * @returns those that this process keeps, because whoever was called tries again
 */
function answerCalls(calls: readonly Call[], outcome: LookNote['outcome'], taken: number): readonly Call[] {
  if (outcome === 'busy') return calls;
  let left = taken;
  for (const call of calls) {
    left -= call.items;
    if (outcome === 'drained' || (outcome === 'filled' && left >= 0)) call.acknowledge();
    else call.giveBack(Math.min(call.items, Math.max(1, -left)));
  }
  return [];
}

function toCall(line: TicketLine, { replySubject, items }: TicketInHand): Call {
  return {
    items: items ?? 1,
    isTicket: true,
    acknowledge: () => line.acknowledge(replySubject),
    giveBack: () => line.giveBack(replySubject),
  };
}

/** Takes the first ones who can be served, of so many items at most, out of a line. */
function takeFrom<Row extends BatchRow>(line: Set<BatchPlace<Row>>, room: number): BatchPlace<Row>[] {
  const places: BatchPlace<Row>[] = [];
  let left = room;
  for (const place of line) {
    if (place.count > left) break;
    line.delete(place);
    if (!place.take()) continue;
    places.push(place);
    left -= place.count;
  }
  return places;
}

function wantedBy(places: readonly BatchPlace<never>[]): number {
  return places.reduce((sum, place) => sum + place.count, 0);
}

/** PostgreSQL's text for an array of numbers or UUIDs, which need no quoting. */
function arrayText(values: readonly (string | number)[]): string {
  return `{${values.join(',')}}`;
}
