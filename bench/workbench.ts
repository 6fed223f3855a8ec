import type { Client } from 'pg';
import { callApi } from '../src/jetstream/api.ts';
import type { NatsLink } from '../src/jetstream/connection.ts';
import { connectNats } from '../src/jetstream/connection.ts';
import { provision } from '../src/jetstream/provision.ts';
import type { Ticket } from '../src/jetstream/ticket.ts';
import { Tickets } from '../src/jetstream/tickets.ts';
import { TopicConsumers } from '../src/jetstream/topic-consumers.ts';
import { loadStatement } from '../src/postgres/sql.ts';
import {
  applicant,
  applicantName,
  applicantPrefix,
  namespace,
  providerName,
  providers,
  system,
  topic,
} from './operations.ts';
import { payloadBytes, queueTopic } from './queue-operations.ts';
import type { Stage } from './stage.ts';
import { requireDurable, withClient } from './stage.ts';

const ticketsAtOnce = 2_000;

/** A database and a nats-server as one contender works on them, and the laying out of its work. */
export class Workbench {
  readonly databaseUrl: string;
  readonly natsUrl: string;
  readonly natsPid: number;
  readonly topicId: number;
  readonly #link: NatsLink;
  readonly #tickets: Tickets;
  readonly #consumers: TopicConsumers;

  private constructor(
    parts: Pick<Workbench, 'databaseUrl' | 'natsUrl' | 'natsPid' | 'topicId'>,
    link: NatsLink,
    tickets: Tickets,
    consumers: TopicConsumers,
  ) {
    this.#consumers = consumers;
    this.databaseUrl = parts.databaseUrl;
    this.natsUrl = parts.natsUrl;
    this.natsPid = parts.natsPid;
    this.topicId = parts.topicId;
    this.#link = link;
    this.#tickets = tickets;
  }

  static async open(stage: Stage, name: string): Promise<Workbench> {
    const databaseUrl = await stage.createDatabase(`bench_${name}`, true);
    await requireDurable(databaseUrl);
    const nats = await stage.startNats(name);
    const link = await connectNats({ url: nats.url, name: 'bench', log: stage.log });
    await provision(link);
    const consumers = new TopicConsumers(link);
    await consumers.ensure({ system, namespace, topic });
    const topicId = await withClient(databaseUrl, async (client) => {
      const values = [namespace, system, topic, true];
      const { rows } = await client.query<{ id: number }>(loadStatement('ensure-topic').text, values);
      return rows[0]!.id;
    });
    const parts = { databaseUrl, natsUrl: nats.url, natsPid: nats.pid, topicId };
    return new Workbench(parts, link, new Tickets(link, stage.log), consumers);
  }

  /** Takes everything off the tables and out of the streams. */
  async clear(): Promise<void> {
    await withClient(this.databaseUrl, (client) =>
      client.query(
        `truncate items, cases, events, documents, idempotency_keys, enqueue_answers, requests, digests, digest_items,
                  digest_mails`,
      ),
    );
    for (const stream of ['CASES', 'QUEUE', 'EVENTS']) await callApi(this.#link, `STREAM.PURGE.${stream}`);
  }

  /** Lays out documents that wait to be registered, under the ids of `documentId`. */
  async layOutDocuments(run: number, callers: number, perCaller: number): Promise<void> {
    await this.clear();
    await withClient(this.databaseUrl, async (client) => {
      await client.query(
        `insert into documents (id, namespace, uploader, file_name, content_type, size_bytes, sha256, state, blob_key)
         select (lpad(to_hex($1::integer), 4, '0') || left(lpad(to_hex(n), 8, '0'), 4) || '-' || right(lpad(to_hex(n), 8, '0'), 4)
                 || '-7000-8' || lpad(to_hex(c), 3, '0') || '-000000000000')::uuid,
                $2, $3 || c, 'passport.pdf', 'application/pdf', 48213, repeat('ab', 32), 'STORED', 'bench'
           from generate_series(0, $4::integer - 1) n cross join generate_series(0, $5::integer - 1) c`,
        [run, namespace, applicantPrefix, perCaller, callers],
      );
      await makeReady(client);
    });
  }

  /** Lays out providers whose windows last a day. */
  async layOutProviders(): Promise<void> {
    await this.clear();
    await withClient(this.databaseUrl, async (client) => {
      const schedule = { timeZone: 'UTC', rhythm: { kind: 'cron', expression: '0 0 * * *' }, quietHours: null };
      await client.query(
        `insert into recipients (id, namespace, kind, external_id, email, time_zone, schedule)
         select overlay(uuidv7()::text placing '000' from 16)::uuid, $1, 'PROVIDER', name, 'provider@example.org', 'UTC', $3::jsonb
           from unnest($2::text[]) as p (name)
         on conflict do nothing`,
        [namespace, Array.from({ length: providers }, (_, number) => providerName(number)), JSON.stringify(schedule)],
      );
      await client.query('vacuum (analyze) recipients, requests, digests, digest_items, events');
      await client.query('checkpoint');
    });
  }

  /** Lays out cases that wait to be claimed, each with its ticket. */
  async layOutCases(count: number): Promise<void> {
    await this.clear();
    await withClient(this.databaseUrl, async (client) => {
      const { rows } = await client.query<{ id: string }>(
        `with fresh as materialized (
           select overlay(uuidv7()::text placing '000' from 16)::uuid as id, clock_timestamp() as at
             from generate_series(1, $1::integer)
         ), case_rows as (
           insert into cases (id, namespace, topic_id, registrant, applicant_name, applicant_email, priority, registered_at)
           select id, $2, $3, $4, $5, $6, 0, at from fresh
         )
         insert into items (id, namespace, topic_id, priority, deliver_after, state, excluded)
         select id, $2, $3, 0, at, 'ready', array[$4] from fresh
         returning id`,
        [count, namespace, this.topicId, applicantName(0), applicant.name, applicant.email],
      );
      await this.#issueTickets(rows.map(({ id }) => id));
      await makeReady(client);
    });
  }

  /** Lays out items of the priority queue with priorities of chance. @param history of the topic */
  async layOutItems(count: number, history: boolean): Promise<void> {
    await this.clear();
    await withClient(this.databaseUrl, async (client) => {
      const { rows: topics } = await client.query<{ id: number }>(loadStatement('ensure-topic').text, [
        namespace,
        'queue',
        queueTopic,
        false,
      ]);
      await client.query('update topics set history = $2 where id = $1', [topics[0]!.id, history]);
      if (count === 0) return;
      await client.query(
        `with fresh as materialized (
           select overlay(uuidv7()::text placing '000' from 16)::uuid as id, clock_timestamp() as at,
                  floor(random() * 4294967296 - 2147483648)::bigint::integer as priority
             from generate_series(1, $1::integer)
         )
         insert into items (id, namespace, topic_id, priority, given_priority, deliver_after, state, payload, enqueued_at,
                            enqueued_by)
         select id, $2, $3, priority, priority, at, 'ready', convert_to(repeat('x', $4), 'UTF8'), at, 'bench' from fresh`,
        [count, namespace, topics[0]!.id, payloadBytes],
      );
      // No ticket: whoever dequeues asks the rows first, and only those who wait are called.
      await makeReady(client);
    });
  }

  async close(): Promise<void> {
    this.#consumers.close();
    this.#tickets.close();
    await this.#link.close();
  }

  async #issueTickets(ids: readonly string[]): Promise<void> {
    for (let start = 0; start < ids.length; start += ticketsAtOnce) {
      const part = ids.slice(start, start + ticketsAtOnce);
      await this.#tickets.issue(
        part.map((itemId): Ticket => ({ system, topic, namespace, shard: 0, itemId, priority: 0 })),
      );
    }
  }
}

/** Without statistics the planner would be misled, and without a checkpoint one contender would pay for another's writes. */
async function makeReady(client: Client): Promise<void> {
  await client.query('vacuum (analyze) items, cases, documents, events');
  await client.query('checkpoint');
}
