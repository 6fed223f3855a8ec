import { backpressure, Fault } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import type { OrderKey } from '../domain/order.ts';
import { compareKeys } from '../domain/order.ts';
import type { Topic } from '../domain/topic.ts';
import type { Logger } from '../log.ts';
import type { Shard } from '../postgres/shard.ts';
import type { Statement } from '../postgres/sql.ts';
import { loadStatement, toDate } from '../postgres/sql.ts';
import { createBatcher } from './batcher.ts';
import type { ClaimOutcome, ClaimPlace, ClaimRequest, ClaimRow } from './claim-desk.ts';
import { ClaimDesk } from './claim-desk.ts';
import { HeldFloors } from './held-floors.ts';
import type { TicketLine } from './ticket-line.ts';

const explainClaim = loadStatement('explain-claim');
/** A waiter looks at the line of a shard that could not be reached again after this long. */
const shardAwayMilliseconds = 1_000;
/** A line in which nobody has stood for this long is closed. */
const idleDeskMilliseconds = 300_000;
/** A waiter who also stands elsewhere looks at a paused topic again after this long, or when it is told of an item there. */
const pausedMilliseconds = 1_000;

export interface ClaimsOptions {
  /** The shard of the topics; of several, the one that is meant where none is named. */
  readonly shard: Shard;
  /** All shards whose topics are served here, by number, where there are several. */
  readonly shards?: ReadonlyMap<number, Shard>;
  /** The system's claim statement around `claim_items`. */
  readonly statement: Statement;
  readonly openLine: (topic: Topic) => Promise<TicketLine>;
  readonly newToken: () => string;
  readonly now: () => number;
  readonly log: Logger;
  readonly observePick?: (claimers: number, claimed: number) => void;
  /** How many places in a line one statement serves at most. */
  readonly pickRowsMax?: number;
}

/** Why nothing was handed out. */
export interface Emptiness {
  readonly reason: 'EMPTY' | 'ALL_HELD' | 'NOT_ELIGIBLE' | 'NOT_DUE';
  /** When the next item may become ready, if one is known. */
  readonly nextEligibleAt: Date | null;
}

export type ClaimResult<Row extends ClaimRow> =
  | { readonly kind: 'claimed'; readonly topic: Topic; readonly token: string; readonly row: Row }
  | { readonly kind: 'none'; readonly emptiness: Emptiness }
  | { readonly kind: 'limit' }
  | { readonly kind: 'paused'; readonly topic: Topic };

export interface WantedItems {
  readonly topic: Topic;
  readonly count: number;
}

export interface ClaimedItem<Row extends ClaimRow> {
  readonly topic: Topic;
  readonly token: string;
  readonly row: Row;
}

export interface ClaimedBatch<Row extends ClaimRow> {
  readonly items: readonly ClaimedItem<Row>[];
  readonly paused: ReadonlySet<Topic>;
}

interface Question {
  readonly topic: Topic;
  readonly request: ClaimRequest;
}

export interface EmptinessFacts {
  readonly any_ready: boolean;
  readonly any_held: boolean;
  readonly next_eligible_at: string | null;
}

interface ExplanationRow extends EmptinessFacts {
  readonly holds_enough: boolean;
  readonly ready_for_holder: boolean;
}

/** Hands out the best items of topics, one system's, each topic on the shard that it names. */
export class Claims<Row extends ClaimRow> {
  readonly #options: ClaimsOptions;
  readonly #floors = new Map<number, HeldFloors>();
  /** By `keyOf`. */
  readonly #desks = new Map<number, Promise<ClaimDesk<Row>>>();
  readonly #ready = new Map<number, ClaimDesk<Row>>();
  readonly #usedAt = new Map<number, number>();
  readonly #explain: (question: Question) => Promise<ExplanationRow>;
  readonly #sweep: NodeJS.Timeout;
  /** What ends each wait early. */
  readonly #waits = new Set<() => void>();
  /** What brings waiters back to topics that were paused, by topic. */
  readonly #resting = new Map<number, Set<() => void>>();
  #draining = false;
  #waiting = 0;

  constructor(options: ClaimsOptions) {
    this.#options = options;
    this.#explain = createBatcher({ run: (questions) => this.#explainMany(questions) });
    this.#sweep = setInterval(() => this.#closeIdleDesks(), idleDeskMilliseconds / 5).unref();
  }

  /** How many claimers wait in this process. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Whether nobody waits here any more. */
  get draining(): boolean {
    return this.#draining;
  }

  /** The line of a topic, if claimers of this process stand or stood there lately. */
  desk(topicId: number, shard = this.#options.shard.number): ClaimDesk<Row> | undefined {
    return this.#ready.get(keyOf(shard, topicId));
  }

  /**
   * Hands the best item of the topics to the holder; the first topic of the list that has one wins. Without one it
   * waits up to `waitMilliseconds`, or until the signal aborts. A paused topic counts as empty unless all are paused, or
   * nothing else was found.
   * @throws Fault `BACKPRESSURE` when too many wait, `UNAVAILABLE` when the record cannot be reached
   */
  async claim(
    topics: readonly Topic[],
    request: ClaimRequest,
    waitMilliseconds: number,
    signal: AbortSignal,
  ): Promise<ClaimResult<Row>> {
    if (this.#waiting >= limits.waitingClaims) throw backpressure(1_000);
    this.#waiting += 1;
    try {
      const deadline = this.#options.now() + waitMilliseconds;
      const paused = new Set<Topic>();
      for (const topic of topics) {
        const desk = await this.#deskFor(topic);
        const outcome = await standAtOnce(desk, request);
        const result = settled(outcome, topic);
        if (result?.kind === 'paused') paused.add(topic);
        else if (result !== undefined) return result;
      }
      const open = topics.filter((topic) => !paused.has(topic));
      if (open.length === 0) return { kind: 'paused', topic: topics[0]! };
      const orPaused = (result: ClaimResult<Row>): ClaimResult<Row> =>
        result.kind === 'none' && paused.size > 0 ? { kind: 'paused', topic: [...paused][0]! } : result;
      // Before any waiting: who holds enough is told so, and what is ready without a ticket is found.
      const looked = await this.#look(open, request);
      const left = deadline - this.#options.now();
      if (looked.kind !== 'none' || left <= 0 || signal.aborted || this.#draining) return orPaused(looked);
      const result = await this.#wait(topics, request, left, signal, true);
      return result ?? orPaused(signal.aborted ? looked : await this.#look(open, request));
    } finally {
      this.#waiting -= 1;
    }
  }

  /**
   * Hands so many of the best items of each topic to the holder. Whatever lies ready is found, with a ticket or without
   * one. When nothing is, it waits up to `waitMilliseconds` for the first item, in paused topics, too. Whoever waits
   * trusts the tickets and does not ask the rows first: what has lost its ticket is told by the reconciler.
   * @throws Fault `BACKPRESSURE` when too many wait, `UNAVAILABLE` when the record cannot be reached
   */
  async claimBatch(
    wanted: readonly WantedItems[],
    request: ClaimRequest,
    waitMilliseconds: number,
    signal: AbortSignal,
  ): Promise<ClaimedBatch<Row>> {
    if (this.#waiting >= limits.waitingClaims) throw backpressure(1_000);
    this.#waiting += 1;
    try {
      const deadline = this.#options.now() + waitMilliseconds;
      const paused = new Set<Topic>();
      for (let trusting = waitMilliseconds > 0; ; trusting = false) {
        const filled = await allFilled(wanted.map((one) => this.#fill(one, request, paused, trusting)));
        const left = deadline - this.#options.now();
        if (filled.length > 0 || left <= 0 || signal.aborted || this.#draining) return { items: filled, paused };
        const first = await this.#wait(
          wanted.map(({ topic }) => topic),
          request,
          left,
          signal,
          false,
        );
        if (signal.aborted && first === undefined) return { items: [], paused };
        if (first?.kind !== 'claimed') continue; // time is up: one last look, then the answer
        const { topic } = first;
        const more = wanted.find((one) => one.topic === topic)!.count - 1;
        const rest = more === 0 ? [] : await this.#fillAfter(first, { topic, count: more }, request, paused);
        return { items: [first, ...rest], paused };
      }
    } finally {
      this.#waiting -= 1;
    }
  }

  /**
   * The best item of one topic, with a ticket or, where none came, without. For claims over several shards, which know
   * from the rows that an item is ready. Faults as for `claim`.
   * @returns undefined when there was nothing for this holder after all
   */
  async claimAtOnce(topic: Topic, request: ClaimRequest): Promise<ClaimResult<Row> | undefined> {
    const desk = await this.#deskFor(topic);
    return settled(await standAtOnce(desk, request), topic) ?? settled(await desk.pickWithoutTicket(request), topic);
  }

  /**
   * Stands in the lines of topics, of several shards, until one serves, time is up, or the signal aborts. A shard that
   * cannot be reached does not end the wait while another can.
   * @returns undefined when nothing came
   */
  async waitInLines(
    topics: readonly Topic[],
    request: ClaimRequest,
    milliseconds: number,
    signal: AbortSignal,
    endsWhenPaused = true,
  ): Promise<ClaimResult<Row> | undefined> {
    if (this.#waiting >= limits.waitingClaims) throw backpressure(1_000);
    this.#waiting += 1;
    try {
      for (const topic of topics) if (this.#deskOf(topic) === undefined) await this.#openDesk(topic);
      if (signal.aborted || this.#draining) return undefined;
      return await this.#wait(topics, request, milliseconds, signal, endsWhenPaused);
    } finally {
      this.#waiting -= 1;
    }
  }

  /**
   * Stands in the lines of topics until one serves, however long that takes, or until the signal aborts: for workers.
   * The database is asked nothing meanwhile; rows without a ticket are the reconciler's business.
   * @returns undefined when the signal aborted first
   * @throws Fault `BACKPRESSURE` when too many wait, `UNAVAILABLE` when the record cannot be reached
   */
  async stand(
    topics: readonly Topic[],
    request: ClaimRequest,
    signal: AbortSignal,
  ): Promise<ClaimResult<Row> | undefined> {
    if (this.#waiting >= limits.waitingClaims) throw backpressure(1_000);
    this.#waiting += 1;
    try {
      for (const topic of topics) {
        if (this.#deskOf(topic) === undefined) await this.#openDesk(topic);
      }
      if (signal.aborted || this.#draining) return undefined;
      return await this.#wait(topics, request, undefined, signal, true);
    } finally {
      this.#waiting -= 1;
    }
  }

  /** Lowers the head hints of a topic and wakes those who were left out; for what other processes announce, too. */
  itemBecameReady(topicId: number, key: OrderKey, shard = this.#options.shard.number): void {
    this.#ready.get(keyOf(shard, topicId))?.itemBecameReady(key);
    this.topicResumed(topicId, shard);
  }

  /** Whoever turned away from a topic because it was paused looks again. */
  topicResumed(topicId: number, shard = this.#options.shard.number): void {
    for (const comeBack of [...(this.#resting.get(keyOf(shard, topicId)) ?? [])]) comeBack();
  }

  /** Nobody waits any more: those who do are answered now, and later callers at once. */
  drain(): void {
    this.#draining = true;
    for (const giveUp of [...this.#waits]) giveUp();
  }

  /** So many items of a topic lie ready: as many of those who wait for a ticket look without one. */
  itemsLieReady(topicId: number, items: number, shard = this.#options.shard.number): void {
    this.#ready.get(keyOf(shard, topicId))?.itemsLieReady(items);
  }

  close(): void {
    clearInterval(this.#sweep);
    for (const desk of this.#ready.values()) desk.close();
    this.#ready.clear();
    this.#desks.clear();
  }

  /** The line of a topic, if it is open; it then counts as used. */
  #deskOf(topic: Topic): ClaimDesk<Row> | undefined {
    const key = keyOf(topic.shard, topic.id);
    const desk = this.#ready.get(key);
    if (desk !== undefined) this.#usedAt.set(key, this.#options.now());
    return desk;
  }

  #shardOf(topic: Topic): Shard {
    const { shard, shards } = this.#options;
    return shards?.get(topic.shard) ?? shard;
  }

  #floorsOf(topic: Topic): HeldFloors {
    const known = this.#floors.get(topic.shard);
    if (known !== undefined) return known;
    const floors = new HeldFloors();
    this.#floors.set(topic.shard, floors);
    return floors;
  }

  async #openDesk(topic: Topic): Promise<ClaimDesk<Row>> {
    const key = keyOf(topic.shard, topic.id);
    const opening =
      this.#desks.get(key) ??
      this.#options.openLine(topic).then((line) => {
        const { statement, newToken, now, log, observePick, pickRowsMax } = this.#options;
        const desk = new ClaimDesk<Row>({
          topic,
          shard: this.#shardOf(topic),
          statement,
          line,
          floors: this.#floorsOf(topic),
          newToken,
          now,
          log,
          observePick,
          ...(pickRowsMax === undefined ? {} : { pickRowsMax }),
        });
        this.#ready.set(key, desk);
        this.#usedAt.set(key, now());
        return desk;
      });
    this.#desks.set(key, opening);
    try {
      return await opening;
    } catch (error) {
      this.#desks.delete(key);
      throw error;
    }
  }

  async #deskFor(topic: Topic): Promise<ClaimDesk<Row>> {
    return this.#deskOf(topic) ?? (await this.#openDesk(topic));
  }

  /**
   * So many items of one topic, as far as they lie ready: with the tickets that are there, and then without. Whoever
   * trusts the tickets does not ask the rows when there was none.
   */
  async #fill(
    { topic, count }: WantedItems,
    request: ClaimRequest,
    paused: Set<Topic>,
    trusting = false,
  ): Promise<readonly ClaimedItem<Row>[]> {
    paused.delete(topic);
    const desk = await this.#deskFor(topic);
    const items: ClaimedItem<Row>[] = [];
    const take = (outcomes: readonly ClaimOutcome<Row>[]): boolean => {
      for (const outcome of outcomes) {
        if (outcome.kind === 'claimed') items.push({ topic, token: outcome.token, row: outcome.row });
        else if (outcome.kind === 'paused') paused.add(topic);
      }
      return items.length < count && !paused.has(topic);
    };
    const places = Array.from({ length: count }, () => standAtOnce(desk, request));
    const short = take(await allServed(places));
    const rowsMax = this.#options.pickRowsMax ?? limits.batchRows;
    try {
      if (short && !(trusting && items.length === 0))
        take(await desk.pickManyWithoutTickets(request, Math.min(count - items.length, rowsMax)));
    } catch (error) {
      if (items.length === 0) throw error; // what is leased must be handed out
    }
    // Several statements may have served this call at the same time.
    return items.sort((a, b) => compareKeys(orderKeyOf(a.row), orderKeyOf(b.row)));
  }

  /** More of the topic that served the first one; what is leased already is handed out even when the rest fails. */
  async #fillAfter(
    first: ClaimedItem<Row>,
    wanted: WantedItems,
    request: ClaimRequest,
    paused: Set<Topic>,
  ): Promise<readonly ClaimedItem<Row>[]> {
    try {
      return await this.#fill(wanted, request, paused, true);
    } catch (error) {
      this.#options.log.debug({ err: error, topic: first.topic.name }, 'only the first item could be claimed');
      return [];
    }
  }

  /** Stands in the lines of all topics at once until one serves, time is up, or the caller goes. */
  async #wait(
    topics: readonly Topic[],
    request: ClaimRequest,
    /** Undefined: for ever. */
    milliseconds: number | undefined,
    signal: AbortSignal,
    /** Whether it ends when all topics are found paused; else they are looked at again from time to time. */
    endsWhenPaused: boolean,
  ): Promise<ClaimResult<Row> | undefined> {
    const desks = topics.map((topic) => this.#deskOf(topic)).filter((desk) => desk !== undefined);
    const overShards = topics.some((topic) => topic.shard !== topics[0]?.shard);
    return new Promise((resolve, reject) => {
      let busy = false;
      let over = false;
      const places: { desk: ClaimDesk<Row>; place: ClaimPlace<Row> }[] = [];
      /** The lines that were left because their topic is paused, with what takes them off this list. */
      const resting = new Map<ClaimDesk<Row>, () => void>();
      const enterAll = (): void => {
        for (const entry of places) if (!resting.has(entry.desk)) entry.desk.enter(entry.place);
      };
      const rest = (desk: ClaimDesk<Row>): void => {
        if (resting.has(desk)) return;
        const topicId = keyOf(desk.topic.shard, desk.topic.id);
        const resters = this.#resting.get(topicId) ?? new Set();
        this.#resting.set(topicId, resters);
        const comeBack = (): void => {
          stopResting();
          const entry = places.find((one) => one.desk === desk)!;
          if (!busy && !over) desk.enter(entry.place);
        };
        const stopResting = (): void => {
          clearTimeout(restTimer);
          resting.delete(desk);
          resters.delete(comeBack);
          if (resters.size === 0) this.#resting.delete(topicId);
        };
        const restTimer = setTimeout(comeBack, pausedMilliseconds);
        resters.add(comeBack);
        resting.set(desk, stopResting);
      };
      const leaveAll = (): void => {
        for (const { desk, place } of places) desk.leave(place);
      };
      const end = (action: () => void): void => {
        if (over) return;
        over = true;
        clearTimeout(timer);
        signal.removeEventListener('abort', giveUp);
        this.#waits.delete(giveUp);
        leaveAll();
        for (const stopResting of [...resting.values()]) stopResting();
        action();
      };
      // Someone who is just being served gets what the statement brings.
      const giveUp = (): void => {
        if (!busy) end(() => resolve(undefined));
        else expired = true;
      };
      let expired = false;
      const timer = milliseconds === undefined ? undefined : setTimeout(giveUp, milliseconds);
      signal.addEventListener('abort', giveUp, { once: true });
      this.#waits.add(giveUp);
      for (const desk of desks) {
        const place: ClaimPlace<Row> = {
          request,
          atOnce: false,
          busyRetries: 0,
          take: () => {
            if (busy || over) return false;
            busy = true;
            leaveAll();
            return true;
          },
          putBack: () => {
            busy = false;
            if (expired) end(() => resolve(undefined));
            else if (!over) enterAll();
          },
          settle: (outcome) => {
            if (outcome.kind === 'paused') rest(desk);
            if (outcome.kind === 'paused' && !(endsWhenPaused && resting.size === places.length)) {
              busy = false;
              if (expired) end(() => resolve(undefined));
              else enterAll();
              return;
            }
            end(() => {
              try {
                resolve(settled(outcome, desk.topic));
              } catch (error) {
                reject(error);
              }
            });
          },
          fail: (error) => {
            if (!overShards || !isUnavailable(error)) return end(() => reject(error));
            // One shard is away: the lines of the others go on, and this one is looked at again.
            busy = false;
            if (expired) return end(() => resolve(undefined));
            if (over) return;
            for (const entry of places)
              if (entry.place !== place && !resting.has(entry.desk)) entry.desk.enter(entry.place);
            const again = setTimeout(() => {
              if (!busy && !over) desk.enter(place);
            }, shardAwayMilliseconds);
            again.unref();
          },
        };
        places.push({ desk, place });
      }
      for (const { desk, place } of places) desk.enter(place);
    });
  }

  /** No ticket came. The rows say whether that is the truth: what is ready is picked without one, the rest explained. */
  async #look(topics: readonly Topic[], request: ClaimRequest): Promise<ClaimResult<Row>> {
    let emptiness: Emptiness = { reason: 'EMPTY', nextEligibleAt: null };
    for (const topic of topics) {
      const facts = await this.#explain({ topic, request });
      if (facts.holds_enough) return { kind: 'limit' };
      const desk = this.#deskOf(topic);
      if (facts.ready_for_holder && desk !== undefined) {
        const result = settled(await desk.pickWithoutTicket(request), topic);
        if (result !== undefined && result.kind !== 'paused') return result;
        // Others were quicker between the look and the pick.
        emptiness = joinEmptiness(emptiness, { reason: 'ALL_HELD', nextEligibleAt: null });
        continue;
      }
      emptiness = joinEmptiness(emptiness, explainEmptiness(facts));
    }
    return { kind: 'none', emptiness };
  }

  async #explainMany(questions: readonly Question[]): Promise<ExplanationRow[]> {
    const answers = new Array<ExplanationRow>(questions.length);
    const byTopic = Map.groupBy(questions.keys(), (index) => questions[index]!.topic);
    for (const [topic, indexes] of byTopic) {
      const requests = indexes.map((index) => questions[index]!.request);
      const floors = this.#floorsOf(topic);
      const rows = await this.#shardOf(topic).run<ExplanationRow>(explainClaim, [
        topic.id,
        requests.map((request) => request.holder),
        requests.map((request) => request.heldMax),
        requests.map((request) => floors.get(topic.namespace, request.holder)),
      ]);
      for (const [place, index] of indexes.entries()) answers[index] = rows[place]!;
    }
    return answers;
  }

  #closeIdleDesks(): void {
    const now = this.#options.now();
    for (const [id, desk] of this.#ready) {
      if (!desk.idle || now - (this.#usedAt.get(id) ?? 0) < idleDeskMilliseconds) continue;
      desk.close();
      this.#ready.delete(id);
      this.#desks.delete(id);
      this.#usedAt.delete(id);
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

function standAtOnce<Row extends ClaimRow>(desk: ClaimDesk<Row>, request: ClaimRequest): Promise<ClaimOutcome<Row>> {
  return new Promise((settle, fail) => {
    const place: ClaimPlace<Row> = {
      request,
      atOnce: true,
      busyRetries: 0,
      settle,
      fail,
      take: () => true,
      putBack: () => desk.enter(place),
    };
    desk.enter(place);
  });
}

/**
 * The outcomes of places that stand together. A failure counts only when nobody was served: what is leased must be handed
 * out.
 */
async function allServed<Row extends ClaimRow>(
  places: readonly Promise<ClaimOutcome<Row>>[],
): Promise<readonly ClaimOutcome<Row>[]> {
  const ends = await Promise.allSettled(places);
  const outcomes = ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
  if (outcomes.some((outcome) => outcome.kind === 'claimed')) return outcomes;
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return outcomes;
}

function orderKeyOf(row: ClaimRow): OrderKey {
  return { priority: row.item_priority, deliverAfter: row.item_deliver_after, id: row.item_id! };
}

/** The items of several topics; as above, a failure counts only when nothing was claimed. */
async function allFilled<Item>(topics: readonly Promise<readonly Item[]>[]): Promise<readonly Item[]> {
  const ends = await Promise.allSettled(topics);
  const items = ends.flatMap((end) => (end.status === 'fulfilled' ? end.value : []));
  const failed = ends.find((end) => end.status === 'rejected');
  if (items.length === 0 && failed !== undefined) throw failed.reason;
  return items;
}

/** What the caller gets, or undefined when there was nothing and it may go on looking. */
function settled<Row extends ClaimRow>(outcome: ClaimOutcome<Row>, topic: Topic): ClaimResult<Row> | undefined {
  switch (outcome.kind) {
    case 'claimed':
      return { kind: 'claimed', topic, token: outcome.token, row: outcome.row };
    case 'limit':
      return { kind: 'limit' };
    case 'paused':
      return { kind: 'paused', topic };
    case 'busy':
      throw new Fault('BACKPRESSURE', 'Another claim of the same holder is running', { retryAfterMs: 100 });
    case 'none':
      return undefined;
  }
}

export function explainEmptiness(facts: EmptinessFacts): Emptiness {
  const nextEligibleAt = facts.next_eligible_at === null ? null : toDate(facts.next_eligible_at);
  if (facts.any_ready) return { reason: 'NOT_ELIGIBLE', nextEligibleAt };
  if (facts.any_held) return { reason: 'ALL_HELD', nextEligibleAt };
  return { reason: nextEligibleAt === null ? 'EMPTY' : 'NOT_DUE', nextEligibleAt };
}

const telling = ['EMPTY', 'NOT_DUE', 'ALL_HELD', 'NOT_ELIGIBLE'] as const;

/** Of several topics, the reason that says most, and the earliest moment. */
export function joinEmptiness(a: Emptiness, b: Emptiness): Emptiness {
  const reason = telling.indexOf(b.reason) > telling.indexOf(a.reason) ? b.reason : a.reason;
  const times = [a.nextEligibleAt, b.nextEligibleAt]
    .filter((time) => time !== null)
    .sort((x, y) => x.getTime() - y.getTime());
  return { reason, nextEligibleAt: times[0] ?? null };
}
