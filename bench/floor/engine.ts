import { randomBytes, randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { createIdSource } from '../../src/domain/ids.ts';
import type { Statement } from '../../src/postgres/sql.ts';
import { loadStatement, toDate } from '../../src/postgres/sql.ts';
import type { RunMany } from './coalesce.ts';
import type { PulledTicket, TicketStream } from './ticket-stream.ts';

/** The topic that everything here is about. */
export interface FloorTopic {
  readonly id: number;
  readonly system: 'cases';
  readonly namespace: string;
  readonly topic: string;
}

export interface RegisterEntry {
  readonly registrant: string;
  readonly name: string;
  readonly email: string;
  readonly priority: number;
  readonly documents: readonly { readonly documentId: string; readonly kind: string }[];
}

export interface RegisteredRow {
  readonly id: string;
  readonly outcome: string;
  readonly at: string;
}

export interface ClaimedRow {
  readonly claimer: number;
  readonly outcome: string;
  readonly item_id: string;
  readonly item_priority: number;
  readonly item_deliver_after: string;
  readonly expires_at: string;
  readonly acquired_at: string;
  readonly held_floor: string;
  readonly applicant_name: string;
  readonly applicant_email: string;
  readonly priority: number;
  readonly registered_at: string;
  readonly token: string;
}

export interface DecideEntry {
  readonly caseId: string;
  readonly leaseToken: string;
  readonly holder: string;
  readonly verdict: string;
}

export interface DecidedRow {
  readonly n: number;
  readonly outcome: string;
  readonly ticket: string | null;
  readonly decided_at: string;
}

const registerCases = loadStatement('register-cases');
const claimCases = loadStatement('claim-cases');
const decideCases = loadStatement('decide-cases');
const firstKey = { priority: -2_147_483_648, deliverAfter: '-infinity', id: '00000000-0000-0000-0000-000000000000' };

/** The product's statements and tickets, for one row or for many, with no more around them than they need to be called. */
export class FloorEngine {
  readonly #pool: Pool;
  readonly #tickets: TicketStream;
  readonly #topic: FloorTopic;
  readonly #newId = createIdSource(Date.now, randomBytes);
  readonly #heldFloors = new Map<string, string>();
  /** Work is laid out in rising order, so nothing ever becomes ready before the last item taken. */
  #head = firstKey;

  constructor(pool: Pool, tickets: TicketStream, topic: FloorTopic) {
    this.#pool = pool;
    this.#tickets = tickets;
    this.#topic = topic;
  }

  readonly register: RunMany<RegisterEntry, RegisteredRow> = async (entries) => {
    const { id: topicId, ...name } = this.#topic;
    const ids = entries.map(() => this.#newId(0));
    const documents = entries.flatMap((entry, index) =>
      entry.documents.map((document, place) => ({ ...document, entry: index + 1, place })),
    );
    const rows = await this.#run<RegisteredRow & { n: number }>(registerCases, [
      ids,
      entries.map(() => topicId),
      entries.map(() => name.namespace),
      entries.map((entry) => entry.registrant),
      entries.map((entry) => entry.name),
      entries.map((entry) => entry.email),
      entries.map(() => null),
      entries.map((entry) => entry.priority),
      entries.map(() => null),
      entries.map(() => null),
      entries.map(() => null),
      documents.map((document) => document.entry),
      documents.map((document) => document.documentId),
      documents.map((document) => document.kind),
      documents.map((document) => document.place),
      entries.map((entry) => entry.documents.length),
    ]);
    const answers = new Array<RegisteredRow>(entries.length);
    for (const { n, outcome, at } of rows) {
      const itemId = ids[n - 1]!;
      answers[n - 1] = { id: itemId, outcome, at };
      if (outcome === 'registered')
        this.#tickets.issue({ ...name, shard: 0, itemId, priority: entries[n - 1]!.priority });
    }
    return answers;
  };

  readonly claim: RunMany<string, ClaimedRow | undefined> = async (holders) => {
    const tickets = await this.#tickets.pull(holders.length);
    const served = holders.slice(0, tickets.length);
    const rows = served.length === 0 ? [] : await this.#claimRows(served, tickets);
    return holders.map((_, index) => rows[index]);
  };

  readonly decide: RunMany<DecideEntry, DecidedRow> = async (entries) => {
    const rows = await this.#run<DecidedRow>(decideCases, [
      entries.map((entry) => entry.caseId),
      entries.map((entry) => entry.leaseToken),
      entries.map((entry) => entry.holder),
      entries.map(() => this.#topic.namespace),
      entries.map((entry) => entry.verdict),
      entries.map(() => null),
      entries.map(() => null),
      entries.map(() => null),
    ]);
    const answers = new Array<DecidedRow>(entries.length);
    for (const row of rows) {
      answers[row.n - 1] = row;
      if (row.ticket !== null) this.#tickets.acknowledge(row.ticket);
    }
    return answers;
  };

  async #claimRows(holders: readonly string[], tickets: readonly PulledTicket[]): Promise<ClaimedRow[]> {
    const tokens = holders.map(() => randomUUID());
    const rows = await this.#run<ClaimedRow>(claimCases, [
      this.#topic.id,
      holders,
      tokens,
      holders.map(() => null),
      holders.map(() => 1),
      holders.map((holder) => this.#heldFloors.get(holder) ?? '-infinity'),
      tickets.map((ticket) => ticket.replySubject),
      tickets.map((ticket) => ticket.sequence),
      this.#head.priority,
      this.#head.deliverAfter,
      this.#head.id,
    ]);
    const answers = new Array<ClaimedRow>(holders.length);
    for (const row of rows) {
      const place = row.claimer - 1;
      answers[place] = { ...row, token: tokens[place]! };
      this.#heldFloors.set(holders[place]!, row.held_floor);
      if (row.outcome !== 'claimed') continue;
      const milliseconds = toDate(row.expires_at).getTime() - toDate(row.acquired_at).getTime();
      this.#tickets.giveBackAfter(tickets[place]!.replySubject, milliseconds);
      this.#head = { priority: row.item_priority, deliverAfter: row.item_deliver_after, id: row.item_id };
    }
    return answers;
  }

  async #run<Row extends object>({ name, text }: Statement, values: unknown[]): Promise<Row[]> {
    return (await this.#pool.query<Row>({ name, text, values })).rows;
  }
}
