import type { System, Topic } from '../domain/topic.ts';
import { systems } from '../domain/topic.ts';
import type { Logger } from '../log.ts';
import { leadWhile } from '../postgres/leadership.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement } from '../postgres/sql.ts';
import type { TicketLedger } from '../queue/ticket-ledger.ts';
import type { Topics } from '../queue/topics.ts';
import { Repeating } from './repeating.ts';

const countOpenItems = loadStatement('count-open-items');
const readHeadItems = loadStatement('read-head-items');
const forgetTickets = loadStatement('forget-tickets');

/** Between two rounds when all is well, and when something was found. */
const calmMilliseconds = 2_000;
const findingMilliseconds = 1_000;
/** Counting a large backlog takes at most a fiftieth of the time, but a stream that is missing is noticed within this. */
const longestPauseMilliseconds = 10_000;
const ticketsPerTopicAndRound = 10_000;
const headItemsRead = 1_000;

interface CountRow {
  readonly topic_id: number;
  readonly open_items: number;
  readonly leased: number;
}

/**
 * In the priority queue a ticket calls for any number of items: a topic that has ready ones needs one at least, and one
 * that has none needs none.
 */
function missingCalls(ready: number, calls: number): number {
  if (ready === 0) return -calls;
  return calls === 0 ? 1 : 0;
}

export interface ReconcilerCounts {
  issued: number;
  removed: number;
}

/**
 * Makes the number of tickets equal the number of open items, topic by topic. Tickets are fungible, so a lost or a
 * surplus one is only a wrong count. What differs in one round may just be on its way: only what differs in two rounds
 * is set right. A stream that vanished is made again, and all its tickets are issued anew from the rows. In the priority
 * queue tickets are calls, see `missingCalls`.
 *
 * A right count may still hide tickets that nobody can get: with a process that died between pull and pick (they come
 * back after ack-wait), or under the timer of a case that was decided while NATS was down. So those who wait for tickets
 * are told of rows that lie ready.
 */
export class TicketReconciler {
  readonly #shard: Shard;
  readonly #topics: Topics;
  readonly #ledger: TicketLedger;
  readonly #log: Logger;
  readonly #differences = new Map<number, number>();
  readonly #streamsSeen = new Map<System, number>();
  readonly counts: ReconcilerCounts = { issued: 0, removed: 0 };
  #countMilliseconds = 0;

  constructor(shard: Shard, topics: Topics, ledger: TicketLedger, log: Logger) {
    this.#shard = shard;
    this.#topics = topics;
    this.#ledger = ledger;
    this.#log = log;
  }

  createService(): Repeating {
    return new Repeating(`ticket reconciler of shard ${this.#shard.number}`, this.#log, async () => {
      if (!this.#ledger.connected) return findingMilliseconds;
      let found = false;
      const led = await leadWhile(this.#shard, 'caseload ticket reconciler', async () => {
        found = await this.reconcile();
      });
      if (!led) this.#differences.clear();
      const rest = Math.min(longestPauseMilliseconds, this.#countMilliseconds * 50);
      return Math.max(found ? findingMilliseconds : calmMilliseconds, rest);
    });
  }

  /** One round. @returns whether a difference was seen, set right or not */
  async reconcile(): Promise<boolean> {
    const restored = await this.#ledger.restoreStreams();
    if (restored) this.#log.warn('streams were missing and have been made again; tickets are issued from the rows');
    const countAt = performance.now();
    const rows = await this.#shard.runPatiently<CountRow>(countOpenItems, []);
    this.#countMilliseconds = performance.now() - countAt;
    await this.#topics.byIds(rows.map((row) => row.topic_id));
    const wantedByTopic = new Map(rows.map((row) => [row.topic_id, row.open_items]));
    const readyByTopic = new Map(rows.map((row) => [row.topic_id, row.open_items - row.leased]));
    let found = false;
    for (const system of systems) {
      const stock = await this.#ledger.readStock(system);
      if (await this.#noticeNewStream(system, stock.streamCreatedAt)) found = true;
      const topics = await this.#topicsOf(system, [...wantedByTopic.keys()], [...stock.tickets.keys()]);
      for (const topic of topics) {
        const wanted = wantedByTopic.get(topic.id) ?? 0;
        const existing = stock.tickets.get(`${topic.namespace}/${topic.name}`) ?? 0;
        const ready = readyByTopic.get(topic.id) ?? 0;
        const difference = system === 'queue' ? missingCalls(ready, existing) : wanted - existing;
        if (await this.#settle(topic, difference, ready)) found = true;
        if (ready > 0) this.#ledger.tellReady(topic, ready);
      }
    }
    return found;
  }

  /** Tickets that leases remember from an earlier life of the stream are gone; those leases may adopt new ones. */
  async #noticeNewStream(system: System, createdAt: Date): Promise<boolean> {
    const seen = this.#streamsSeen.get(system);
    if (seen === createdAt.getTime()) return false;
    await this.#shard.run(forgetTickets, [system, createdAt.toISOString()]);
    this.#streamsSeen.set(system, createdAt.getTime());
    return seen !== undefined;
  }

  async #topicsOf(system: System, ids: readonly number[], names: readonly string[]): Promise<Topic[]> {
    const topics = new Map<number, Topic>();
    for (const id of ids) {
      const topic = this.#topics.byId(id);
      if (topic?.system === system) topics.set(id, topic);
    }
    for (const name of names) {
      const [namespace, topicName] = name.split('/');
      const topic =
        this.#topics.known(namespace!, system, topicName!) ?? (await this.#topics.find(namespace!, system, topicName!));
      if (topic !== undefined) topics.set(topic.id, topic);
    }
    return [...topics.values()];
  }

  async #settle(topic: Topic, difference: number, ready: number): Promise<boolean> {
    const before = this.#differences.get(topic.id) ?? 0;
    if (difference === 0) {
      this.#differences.delete(topic.id);
      return false;
    }
    this.#differences.set(topic.id, difference);
    if (difference > 0 && before > 0) {
      const count = Math.min(difference, before, ticketsPerTopicAndRound);
      await this.#issue(topic, count, ready);
      this.#differences.set(topic.id, difference - count);
      this.counts.issued += count;
      this.#log.info({ namespace: topic.namespace, topic: topic.name, tickets: count }, 'missing tickets issued');
    } else if (difference < 0 && before < 0) {
      const count = Math.min(-difference, -before, ticketsPerTopicAndRound);
      const removed = await this.#ledger.removeSurplus(topic, count);
      this.#differences.set(topic.id, difference + removed);
      this.counts.removed += removed;
      this.#log.info({ namespace: topic.namespace, topic: topic.name, tickets: removed }, 'surplus tickets removed');
    }
    return true;
  }

  async #issue(topic: Topic, count: number, ready: number): Promise<void> {
    await this.#ledger.ensureConsumer(topic);
    const heads = await this.#shard.run<{ id: string; priority: number }>(readHeadItems, [
      topic.id,
      Math.min(count, headItemsRead),
    ]);
    // The names on tickets are for people who look into the stream; beyond the best items they repeat.
    const tickets = Array.from({ length: count }, (_, index) => {
      const head = heads[index % Math.max(1, heads.length)];
      const named = { itemId: head?.id ?? '00000000-0000-7000-8000-000000000000', priority: head?.priority ?? 0 };
      return { topic, ...named, ...(topic.system === 'queue' ? { items: ready } : {}) };
    });
    for (let start = 0; start < tickets.length; start += 1_000)
      await this.#ledger.issue(tickets.slice(start, start + 1_000));
  }
}
