import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { loadStatement } from '../../src/postgres/sql.ts';
import type { TestEngine } from '../support/engine.ts';
import { actor, never, startEngine } from '../support/engine.ts';
import { waitUntil } from '../support/wait-until.ts';

/** What load brings about once in a while where statements of the queue cross, made here with transactions held open. */

const otto = actor('otto', 'operator');
let engine: TestEngine;
let observer: Client;
const clients: Client[] = [];

beforeAll(async () => {
  engine = await startEngine();
  observer = await connect();
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.end();
});
afterAll(async () => {
  await observer.end();
  await engine.stop();
});

const services = () => engine.foundation.services;

async function connect(): Promise<Client> {
  const client = new Client({ connectionString: engine.database.url });
  await client.connect();
  return client;
}

/** A transaction that is held open; it is rolled back with the test. */
async function begin(): Promise<Client> {
  const client = await connect();
  clients.push(client);
  await client.query('begin');
  return client;
}

async function waitForLock(word: string): Promise<void> {
  await waitUntil(`a statement waits (${word})`, async () => {
    const { rowCount } = await observer.query(
      `select from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock' and query like '%' || $1 || '%'`,
      [word],
    );
    return rowCount! > 0;
  });
}

async function enqueue(topic: string, count: number): Promise<string[]> {
  const items = Array.from({ length: count }, () => ({ topic, payload: Buffer.from('x') }));
  const result = await services().enqueue(otto, { namespace: 'acme', items });
  if (result.kind !== 'enqueued') throw new Error(result.kind);
  return result.results.map((one) => (one.kind === 'enqueued' ? one.item.id : ''));
}

/** Long before the wait of 20 s ends: a look at its end finds everything. */
async function soon<Result>(waiting: Promise<Result>): Promise<Result> {
  const startedAt = performance.now();
  const result = await waiting;
  expect(performance.now() - startedAt).toBeLessThan(10_000);
  return result;
}

const dequeue = (topic: string, count: number, waitMs = 0, leaseSeconds = 60) =>
  services().dequeue(otto, { namespace: 'acme', requests: [{ topic, count }], waitMs, leaseSeconds }, never);

async function callsOf(topic: string): Promise<number> {
  const counts = await engine.foundation.tickets.countTickets('queue');
  return counts.find((count) => count.topic === topic)?.tickets ?? 0;
}

const historyOf = async (id: string) =>
  (await services().queueItemHistory(id, 20, null)).events.map(({ type }) => type);

describe('who waits for an item', () => {
  it('is called when one is free that was just being changed as they looked', async () => {
    const [itemId] = await enqueue('changed', 1);
    await expect.poll(() => callsOf('changed')).toBe(1);
    const blocker = await begin();
    await blocker.query('select from items where id = $1 for update', [itemId]);
    const changing = services().updateItem(otto, { itemId: itemId!, metadata: { seen: true } });
    await waitForLock('Changes an item');
    const waiting = dequeue('changed', 1, 20_000);
    // It has looked, and answered the call of the enqueue: nothing was free.
    await expect.poll(() => callsOf('changed')).toBe(0);
    await blocker.query('commit');
    expect((await changing).kind).toBe('updated');
    expect((await soon(waiting)).items.map(({ item }) => item.id)).toEqual([itemId]);
  });

  it('is called for dead letters, when a look finds that their last lease has ended', async () => {
    await services().upsertTopic(otto, { namespace: 'acme', name: 'frail', maxAttempts: 1 });
    const ids = await enqueue('frail', 2);
    await dequeue('frail', 2);
    await dequeue('frail-dead', 1); // the topic is known
    await observer.query('update items set lease_expires_at = clock_timestamp() where id = any ($1)', [ids]);
    const other = await engine.another();
    const input = { namespace: 'acme', requests: [{ topic: 'frail-dead', count: 2 }], waitMs: 20_000 };
    const waiting = other.services.dequeue(otto, input, never);
    await expect.poll(() => other.queueClaims.waiting).toBe(1);
    expect((await dequeue('frail', 1)).items).toEqual([]);
    expect((await soon(waiting)).items.map(({ item }) => item.id).sort()).toEqual(ids.sort());
  });
});

describe('events of an item', () => {
  it('begin with its enqueue, also when it came in while a look was running', async () => {
    const topicId = (await engine.foundation.topics.ensure('acme', 'queue', 'late')).id;
    const [first] = await enqueue('late', 1);
    // A look has an item already, and with it its place in the order of events.
    const older = await begin();
    await older.query('select from items where id = $1 for update', [first]);
    const [late] = await enqueue('late', 1);
    const take = async (client: Client) => {
      const { rows } = await client.query<{ n: number; item_id: string }>(loadStatement('take-queue-items').text, [
        topicId,
        ['otto'],
        [null],
        '{1,1}',
        `{${crypto.randomUUID()},${crypto.randomUUID()}}`,
        -2147483648,
        '-infinity',
        '00000000-0000-0000-0000-000000000000',
      ]);
      await client.query('commit');
      return rows.flatMap(({ n, item_id }) => (n > 0 ? [item_id] : []));
    };
    const taken = await take(older);
    const rest = await take(await begin());
    expect([...taken, ...rest].sort()).toEqual([first, late].sort());
    for (const id of [first!, late!]) expect(await historyOf(id)).toEqual(['ENQUEUED', 'CLAIMED']);
  });

  it.each(['ack', 'nack', 'extend'] as const)('end with what was done last: %s', async (how) => {
    await enqueue(`ended-${how}`, 3);
    const { items } = await dequeue(`ended-${how}`, 3);
    const leases = items
      .map(({ item, lease }) => ({ itemId: item.id, leaseToken: lease.token }))
      .sort((a, b) => (a.itemId < b.itemId ? -1 : 1));
    const [, middle, last] = leases;
    // An older transaction has the first item, and waits for the second; a younger one meanwhile extends the third.
    const blocker = await begin();
    await blocker.query('select from items where id = $1 for update', [middle!.itemId]);
    const statement = loadStatement(`${how}-items`);
    const ids = leases.map(({ itemId }) => itemId);
    const tokens = leases.map(({ leaseToken }) => leaseToken);
    const nulls = leases.map(() => null);
    const each = { names: leases.map(() => 'acme'), who: leases.map(() => 'otto') };
    const values = {
      ack: [ids, tokens, each.names, each.who],
      nack: [ids, tokens, each.names, each.who, nulls, nulls, nulls],
      extend: [ids, tokens, each.names, leases.map(() => 90), 3_600],
    };
    const older = engine.foundation.shard.run(statement, values[how]);
    await waitForLock('priority queue');
    const younger = await begin();
    await younger.query(loadStatement('extend-items').text, [
      [last!.itemId],
      [last!.leaseToken],
      ['acme'],
      [120],
      3_600,
    ]);
    await younger.query('commit');
    await blocker.query('commit');
    expect((await older).length).toBe(3);
    const type = { ack: 'ACKED', nack: 'NACKED', extend: 'LEASE_EXTENDED' }[how];
    expect(await historyOf(last!.itemId)).toEqual(['ENQUEUED', 'CLAIMED', 'LEASE_EXTENDED', type]);
    const ends = await observer.query<{ lease_expires_at: Date | null }>(
      `select lease_expires_at from events where item_id = $1 and type = 'LEASE_EXTENDED' order by position, sequence`,
      [last!.itemId],
    );
    const times = ends.rows.map((row) => row.lease_expires_at!.getTime());
    if (how === 'extend') expect(times[1]).toBeLessThan(times[0]!);
  });
});
