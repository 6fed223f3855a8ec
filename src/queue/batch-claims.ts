import { backpressure, Fault } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import type { OrderKey } from '../domain/order.ts';
import type { Topic } from '../domain/topic.ts';
import type { Shard } from '../postgres/shard.ts';
import type { Statement } from '../postgres/sql.ts';
import type { BatchPlace, BatchRequest, BatchRow, Call, Taken, TakenItem } from './batch-desk.ts';
import { BatchDesk } from './batch-desk.ts';
import type { TicketLine } from './ticket-line.ts';

/** A waiter looks at the line of a shard that could not be reached again after this long. */
const shardAwayMilliseconds = 1_000;
/** A line in which nobody has stood for this long is closed. */
const idleDeskMilliseconds = 300_000;
/** A waiter looks at a paused topic again after this long, or when it is told of an item there. */
const pausedMilliseconds = 1_000;

export interface BatchClaimsOptions {
  /** All shards whose topics are served here, by number. */
  readonly shards: ReadonlyMap<number, Shard>;
  readonly statement: Statement;
  readonly openLine: (topic: Topic) => Promise<TicketLine>;
  readonly newToken: () => string;
  readonly now: () => number;
  readonly observeLook?: (callers: number) => void;
  /** Items of a topic lie ready again, because a look found that their leases had ended. */
  readonly onReturned: (topic: Topic, items: number) => void;
  /** Items went to a topic of dead letters of a shard, because a look found that their last leases had ended. */
  readonly onDied: (shard: number, topicId: number, items: number) => void;
}

export interface WantedItems {
  readonly topic: Topic;
  readonly count: number;
}

export interface TakenBatch<Row extends BatchRow> {
  readonly items: readonly TakenItem<Row>[];
  readonly paused: ReadonlySet<Topic>;
}

/** Hands out many items at once, of topics of the priority queue, each topic on the shard that it names. */
export class BatchClaims<Row extends BatchRow> {
  readonly #options: BatchClaimsOptions;
  /** By `keyOf`. */
  readonly #opening = new Map<number, Promise<BatchDesk<Row>>>();
  readonly #desks = new Map<number, BatchDesk<Row>>();
  readonly #usedAt = new Map<number, number>();
  readonly #sweep: NodeJS.Timeout;
  /** What ends each wait early. */
  readonly #waits = new Set<() => void>();
  /** What brings waiters back to topics that were paused, by topic. */
  readonly #resting = new Map<number, Set<() => void>>();
  #draining = false;
  #waiting = 0;

  constructor(options: BatchClaimsOptions) {
    this.#options = options;
    this.#sweep = setInterval(() => this.#closeIdleDesks(), idleDeskMilliseconds / 5).unref();
  }

  /** How many callers wait in this process. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Whether nobody waits here any more. */
  get draining(): boolean {
    return this.#draining;
  }

  /**
   * Hands so many of the best items of each topic to the holder. When nothing is ready it waits up to `waitMilliseconds`
   * for the first ones of a topic, in paused topics, too.
   * @throws Fault `BACKPRESSURE` when too many wait, `UNAVAILABLE` when the record cannot be reached
   */
  async claimBatch(
    wanted: readonly WantedItems[],
    request: BatchRequest,
    waitMilliseconds: number,
    signal: AbortSignal,
  ): Promise<TakenBatch<Row>> {
    return this.#counted(async () => {
      const deadline = this.#options.now() + waitMilliseconds;
      const paused = new Set<Topic>();
      for (let first = true; ; first = false) {
        const trusted = first && waitMilliseconds > 0 && wanted.every(({ topic }) => this.#deskOf(topic)?.drained);
        const items = trusted ? [] : await allFilled(wanted.map((one) => this.#fill(one, request, paused)));
        const left = deadline - this.#options.now();
        if (items.length > 0 || left <= 0 || signal.aborted || this.#draining) return { items, paused };
        const taken = await this.#wait(wanted, request, left, signal);
        if (taken !== undefined) return { items: taken, paused };
        if (signal.aborted) return { items: [], paused };
        // time is up: one last look, then the answer
      }
    });
  }

  /**
   * Stands in the lines of topics, of several shards, until one serves, time is up, or the signal aborts. A shard that
   * cannot be reached does not end the wait while another can. Faults as for `claimBatch`.
   * @returns items of one topic; undefined when nothing came
   */
  async waitInLines(
    wanted: readonly WantedItems[],
    request: BatchRequest,
    milliseconds: number,
    signal: AbortSignal,
  ): Promise<readonly TakenItem<Row>[] | undefined> {
    return this.#counted(async () => {
      for (const { topic } of wanted) await this.#deskFor(topic);
      if (signal.aborted || this.#draining) return undefined;
      return this.#wait(wanted, request, milliseconds, signal);
    });
  }

  /** Lowers the head hint of a topic and wakes those who were left out; for what other processes announce, too. */
  itemBecameReady(topicId: number, key: OrderKey, shard: number): void {
    this.#desks.get(keyOf(shard, topicId))?.itemBecameReady(key);
    for (const comeBack of [...(this.#resting.get(keyOf(shard, topicId)) ?? [])]) comeBack();
  }

  /** So many items of a topic lie ready: those who wait for a ticket look without one. */
  itemsLieReady(topicId: number, items: number, shard: number): void {
    this.#desks.get(keyOf(shard, topicId))?.itemsLieReady(items);
  }

  /** Items of a topic became ready in this process. @returns whether somebody here looks; else they need a ticket */
  offer(topicId: number, shard: number, call: Call): boolean {
    return this.#desks.get(keyOf(shard, topicId))?.offer(call) ?? false;
  }

  /** Nobody waits any more: those who do are answered now, and later callers at once. */
  drain(): void {
    this.#draining = true;
    for (const giveUp of [...this.#waits]) giveUp();
  }

  close(): void {
    clearInterval(this.#sweep);
    for (const desk of this.#desks.values()) desk.close();
    this.#desks.clear();
    this.#opening.clear();
  }

  async #counted<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#waiting >= limits.waitingClaims) throw backpressure(1_000);
    this.#waiting += 1;
    try {
      return await work();
    } finally {
      this.#waiting -= 1;
    }
  }

  /** The line of a topic, if it is open; it then counts as used. */
  #deskOf(topic: Topic): BatchDesk<Row> | undefined {
    const key = keyOf(topic.shard, topic.id);
    const desk = this.#desks.get(key);
    if (desk !== undefined) this.#usedAt.set(key, this.#options.now());
    return desk;
  }

  async #deskFor(topic: Topic): Promise<BatchDesk<Row>> {
    return this.#deskOf(topic) ?? (await this.#openDesk(topic));
  }

  async #openDesk(topic: Topic): Promise<BatchDesk<Row>> {
    const key = keyOf(topic.shard, topic.id);
    const opening =
      this.#opening.get(key) ??
      this.#options.openLine(topic).then((line) => {
        const { shards, ...options } = this.#options;
        const shard = shards.get(topic.shard)!;
        const desk = new BatchDesk<Row>({ ...options, topic, shard, line });
        this.#desks.set(key, desk);
        this.#usedAt.set(key, options.now());
        return desk;
      });
    this.#opening.set(key, opening);
    try {
      return await opening;
    } catch (error) {
      this.#opening.delete(key);
      throw error;
    }
  }

  /** So many items of one topic, as far as they lie ready. */
  async #fill(
    { topic, count }: WantedItems,
    request: BatchRequest,
    paused: Set<Topic>,
  ): Promise<readonly TakenItem<Row>[]> {
    paused.delete(topic);
    const taken = await lookAtOnce(await this.#deskFor(topic), request, count);
    switch (taken.kind) {
      case 'taken':
        return taken.items;
      case 'busy':
        throw new Fault('BACKPRESSURE', 'The items in flight are being counted', { retryAfterMs: 100 });
      case 'paused':
        paused.add(topic);
    }
    return [];
  }

  /** Stands in the lines of all topics at once until one serves, time is up, or the caller goes. */
  async #wait(
    wanted: readonly WantedItems[],
    request: BatchRequest,
    milliseconds: number,
    signal: AbortSignal,
  ): Promise<readonly TakenItem<Row>[] | undefined> {
    const desks = wanted.flatMap(({ topic, count }) => {
      const desk = this.#deskOf(topic);
      return desk === undefined ? [] : [{ desk, count }];
    });
    const overShards = wanted.some(({ topic }) => topic.shard !== wanted[0]?.topic.shard);
    return new Promise((resolve, reject) => {
      let busy = false;
      let over = false;
      let expired = false;
      const places: { readonly desk: BatchDesk<Row>; readonly place: BatchPlace<Row> }[] = [];
      /** The lines that were left because their topic is paused, with what takes them off this list. */
      const resting = new Map<BatchDesk<Row>, () => void>();
      const enterAll = (): void => {
        for (const { desk, place } of places) if (!resting.has(desk)) desk.enter(place);
      };
      const end = (action: () => void): void => {
        if (over) return;
        over = true;
        clearTimeout(timer);
        signal.removeEventListener('abort', giveUp);
        this.#waits.delete(giveUp);
        for (const { desk, place } of places) desk.leave(place);
        for (const stopResting of [...resting.values()]) stopResting();
        action();
      };
      /** Served with nothing: back into the lines, or the end when time is up. */
      const goOn = (enter: () => void): void => {
        busy = false;
        if (expired) end(() => resolve(undefined));
        else if (!over) enter();
      };
      // Someone who is just being served gets what the statement brings.
      const giveUp = (): void => {
        if (busy) expired = true;
        else end(() => resolve(undefined));
      };
      const timer = setTimeout(giveUp, milliseconds);
      signal.addEventListener('abort', giveUp, { once: true });
      this.#waits.add(giveUp);
      for (const { desk, count } of desks) {
        const place: BatchPlace<Row> = {
          request,
          count,
          atOnce: false,
          busyRetries: 0,
          take: () => {
            if (busy || over) return false;
            busy = true;
            for (const entry of places) entry.desk.leave(entry.place);
            return true;
          },
          putBack: () => goOn(enterAll),
          settle: (taken) => {
            if (taken.kind === 'taken') return end(() => resolve(taken.items));
            if (taken.kind === 'paused')
              this.#rest(desk, resting, () => {
                if (!busy && !over) desk.enter(place);
              });
            goOn(enterAll);
          },
          fail: (error) => {
            if (!overShards || !isUnavailable(error)) return end(() => reject(error));
            // One shard is away: the lines of the others go on, and this one is looked at again.
            goOn(() => {
              for (const entry of places)
                if (entry.place !== place && !resting.has(entry.desk)) entry.desk.enter(entry.place);
              setTimeout(() => {
                if (!busy && !over) desk.enter(place);
              }, shardAwayMilliseconds).unref();
            });
          },
        };
        places.push({ desk, place });
      }
      enterAll();
    });
  }

  /** Keeps a waiter out of a paused topic's line for a while, or until it is told of an item there. */
  #rest(desk: BatchDesk<Row>, resting: Map<BatchDesk<Row>, () => void>, comeBack: () => void): void {
    if (resting.has(desk)) return;
    const key = keyOf(desk.topic.shard, desk.topic.id);
    const resters = this.#resting.get(key) ?? new Set();
    this.#resting.set(key, resters);
    const wake = (): void => {
      stopResting();
      comeBack();
    };
    const stopResting = (): void => {
      clearTimeout(timer);
      resting.delete(desk);
      resters.delete(wake);
      if (resters.size === 0) this.#resting.delete(key);
    };
    const timer = setTimeout(wake, pausedMilliseconds);
    resters.add(wake);
    resting.set(desk, stopResting);
  }

  #closeIdleDesks(): void {
    const now = this.#options.now();
    for (const [key, desk] of this.#desks) {
      if (!desk.idle || now - (this.#usedAt.get(key) ?? 0) < idleDeskMilliseconds) continue;
      desk.close();
      this.#desks.delete(key);
      this.#opening.delete(key);
      this.#usedAt.delete(key);
    }
  }
}

/** One number for a topic of a shard: topic ids have 32 bits. */
function keyOf(shard: number, topicId: number): number {
  return shard * 4_294_967_296 + topicId;
}

function isUnavailable(error: unknown): boolean {
  return error instanceof Fault && error.code === 'UNAVAILABLE';
}

function lookAtOnce<Row extends BatchRow>(
  desk: BatchDesk<Row>,
  request: BatchRequest,
  count: number,
): Promise<Taken<Row>> {
  return new Promise((settle, fail) => {
    const place: BatchPlace<Row> = {
      request,
      count,
      settle,
      fail,
      atOnce: true,
      busyRetries: 0,
      take: () => true,
      putBack: () => desk.enter(place),
    };
    desk.enter(place);
  });
}

/** The items of several topics. A failure counts only when nothing was taken: what is leased must be handed out. */
async function allFilled<Item>(topics: readonly Promise<readonly Item[]>[]): Promise<readonly Item[]> {
  const ends = await Promise.allSettled(topics);
  const items = ends.flatMap((end) => (end.status === 'fulfilled' ? end.value : []));
  const failed = ends.find((end) => end.status === 'rejected');
  if (items.length === 0 && failed !== undefined) throw failed.reason;
  return items;
}
