import { readFileSync } from 'node:fs';
import { Client } from 'pg';
import { driverClock } from '../history.ts';

/** An entry of the append-only table of events. Times are the database's, in microseconds since the epoch. */
export interface QueueLedgerEvent {
  readonly position: number;
  /** Rises with each step of one item: it is taken under the item's lock. */
  readonly sequence: number;
  readonly itemId: string;
  readonly type: string;
  readonly actor: string;
  readonly atMicros: number;
  readonly attempt: number | null;
  readonly leaseExpiresAtMicros: number | null;
  /** Of `ACKED`: the token under which it was done. */
  readonly reason: string | null;
}

export interface QueueLedgerItem {
  readonly itemId: string;
  readonly state: 'ready' | 'delayed' | 'leased';
  readonly attempt: number;
}

/** What stands under one idempotency key. */
export interface QueueLedgerAnswer {
  readonly client: string;
  readonly key: string;
  readonly itemIds: readonly string[];
}

/** The record of one namespace on one shard, at one moment. */
export interface ShardLedger {
  readonly shard: number;
  readonly readAtMicros: number;
  /** What the shard's clock is ahead of the driver's, in milliseconds. */
  readonly aheadMs: number;
  readonly events: readonly QueueLedgerEvent[];
  readonly items: readonly QueueLedgerItem[];
  readonly answers: readonly QueueLedgerAnswer[];
}

/** Of all shards, in their order. */
export type QueueLedger = readonly ShardLedger[];

const load = (name: string): string => readFileSync(new URL(`./sql/${name}.sql`, import.meta.url), 'utf8');
const eventsText = load('queue-events');
const itemsText = load('queue-items');
const answersText = load('queue-answers');
const connectMilliseconds = 5_000;
const readMilliseconds = 120_000;

/** Reads the queue of a namespace from all its databases, each in one snapshot. Throws what the connections throw. */
export function readQueueLedger(databaseUrls: readonly string[], namespace: string): Promise<QueueLedger> {
  return Promise.all(databaseUrls.map((url, shard) => readShard(url, shard, namespace)));
}

async function readShard(url: string, shard: number, namespace: string): Promise<ShardLedger> {
  return withClient(url, async (client) => {
    await client.query('begin transaction isolation level repeatable read read only');
    const events = await client.query<QueueLedgerEvent>(eventsText, [namespace]);
    const items = await client.query<QueueLedgerItem>(itemsText, [namespace]);
    const answers = await client.query<QueueLedgerAnswer>(answersText, [namespace]);
    const askedMs = driverClock();
    const clock = await client.query<{ now: number }>(
      'select extract(epoch from clock_timestamp())::float8 * 1000000 as now',
    );
    const aheadMs = clock.rows[0]!.now / 1_000 - (askedMs + driverClock()) / 2;
    await client.query('commit');
    const readAtMicros = clock.rows[0]!.now;
    return { shard, readAtMicros, aheadMs, events: events.rows, items: items.rows, answers: answers.rows };
  });
}

/** How many items of a namespace are open, on all shards; undefined while one of them cannot be asked. */
export async function countOpenItems(databaseUrls: readonly string[], namespace: string): Promise<number | undefined> {
  const text = `select count(*)::integer as open from (${itemsText}) counted`;
  const counts = await Promise.allSettled(
    databaseUrls.map((url) =>
      withClient(url, async (client) => (await client.query<{ open: number }>(text, [namespace])).rows[0]!.open),
    ),
  );
  let sum = 0;
  for (const count of counts) {
    if (count.status === 'rejected') return undefined;
    sum += count.value;
  }
  return sum;
}

async function withClient<Value>(url: string, use: (client: Client) => Promise<Value>): Promise<Value> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: connectMilliseconds,
    query_timeout: readMilliseconds,
    application_name: 'caseload load',
  });
  // A server that is killed breaks the connection also between two queries; the next query says so.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}
