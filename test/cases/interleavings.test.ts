import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { limits } from '../../src/domain/limits.ts';
import { loadStatement } from '../../src/postgres/sql.ts';
import type { TestEngine } from '../support/engine.ts';
import { actor, alice, application, never, startEngine } from '../support/engine.ts';
import { waitUntil } from '../support/wait-until.ts';

/** Orders of events that load brings about once in a long while, made here with transactions that are held open. */

let engine: TestEngine;
let observer: Client;
const clients: Client[] = [];
let topicNumber = 0;

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
const newTopic = (): string => `topic-${++topicNumber}`;

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

/** Resolves when a statement with this word in it waits for a lock. */
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

async function register(topic: string): Promise<string> {
  const result = await services().register(alice, { ...application, topic });
  if (result.kind !== 'registered') throw new Error(result.kind);
  return result.held.case.id;
}

const claim = (who: string, topic: string) =>
  services().claimNextCase(actor(who, 'auditor'), { namespace: 'acme', topics: [topic], waitMs: 0 }, never);

async function mustClaim(who: string, topic: string) {
  const result = await claim(who, topic);
  if (result.kind !== 'claimed') throw new Error(result.kind);
  return { id: result.held.case.id, token: result.held.lease!.token, holder: who };
}

type Held = Awaited<ReturnType<typeof mustClaim>>;

const extendLeases = loadStatement('extend-leases');

/** The values of the statement behind `extendLease`. */
const extension = (...held: readonly Held[]) => [
  held.map(({ id }) => id),
  held.map(({ token }) => token),
  held.map(({ holder }) => holder),
  held.map(() => 'acme'),
  held.map(() => 1_800),
  limits.leaseSecondsMax,
];

const extend = (client: Client, ...held: readonly Held[]) =>
  client.query<{ outcome: string }>(extendLeases.text, extension(...held));

const countHeld = async (holder: string): Promise<number> => {
  const rows = await engine.foundation.shard.run<{ held: number }>(loadStatement('count-held-items'), [
    ['acme'],
    ['cases'],
    [holder],
  ]);
  return rows[0]!.held;
};

describe('an extension that is committed when its lease would have ended', () => {
  /** A lease that has ended by the clock, while its extension, which came in time, is not committed yet. */
  async function extendAtTheLastMoment(holder: string, topic: string): Promise<{ held: Held; extending: Client }> {
    const held = await mustClaim(holder, topic);
    await observer.query(`update items set lease_expires_at = clock_timestamp() + interval '150 ms' where id = $1`, [
      held.id,
    ]);
    const extending = await begin();
    expect((await extend(extending, held)).rows).toMatchObject([{ outcome: 'extended' }]);
    await waitUntil('the lease has ended', async () => {
      const { rows } = await observer.query<{ over: boolean }>(
        'select lease_expires_at <= clock_timestamp() as over from items where id = $1',
        [held.id],
      );
      return rows[0]!.over;
    });
    return { held, extending };
  }

  it('leaves no room for another claim, before it is committed and after', async () => {
    const topic = newTopic();
    for (let count = 0; count < 3; count++) await register(topic);
    const { held, extending } = await extendAtTheLastMoment('eva', topic);
    await expect(claim('eva', topic)).rejects.toMatchObject({ code: 'BACKPRESSURE' });
    expect(await countHeld('eva')).toBe(1); // what a claim on another shard would see
    await extending.query('commit');
    const mine = { kind: 'limit', held: [{ case: { id: held.id } }] };
    expect(await claim('eva', topic)).toMatchObject(mine);
    // Another process, which knows nothing of what she held, sees the same.
    const other = await engine.another();
    const input = { namespace: 'acme', topics: [topic], waitMs: 0 };
    expect(await other.services.claimNextCase(actor('eva', 'auditor'), input, never)).toMatchObject(mine);
  });

  it('leaves no room for a claim by name', async () => {
    const topic = newTopic();
    await register(topic);
    const { held, extending } = await extendAtTheLastMoment('udo', topic);
    const second = await register(topic);
    const claiming = services().claimCase(actor('udo', 'auditor'), { caseId: second });
    await waitForLock('claim_item');
    await extending.query('commit');
    expect(await claiming).toMatchObject({ kind: 'limit', held: [{ case: { id: held.id } }] });
  });

  it('has no effect when it is rolled back', async () => {
    const topic = newTopic();
    for (let count = 0; count < 2; count++) await register(topic);
    const { held, extending } = await extendAtTheLastMoment('ida', topic);
    await extending.query('rollback');
    expect(await countHeld('ida')).toBe(0);
    const next = await mustClaim('ida', topic);
    expect(next.id).not.toBe(held.id);
  });
});

describe('events of a case', () => {
  it('stand in the order in which they happened, also when the later transaction began first', async () => {
    const topic = newTopic();
    for (let count = 0; count < 3; count++) await register(topic);
    const holders = ['ann', 'ben', 'cyd'];
    const held = (await Promise.all(holders.map((who) => mustClaim(who, topic)))).sort((a, b) =>
      a.id < b.id ? -1 : 1,
    );
    const [, middle, last] = held as [Held, Held, Held];
    // An older transaction has the first case, and waits for the second; a younger one has meanwhile extended the third.
    const blocker = await begin();
    await blocker.query('select from items where id = $1 for update', [middle.id]);
    const older = engine.foundation.shard.run<{ outcome: string }>(extendLeases, extension(...held));
    await waitForLock('extend');
    const younger = await begin();
    await extend(younger, last);
    await younger.query('commit');
    await blocker.query('commit');
    expect((await older).map(({ outcome }) => outcome)).toEqual(['extended', 'extended', 'extended']);
    const { rows } = await observer.query<{ type: string; lease_expires_at: Date }>(
      'select type, lease_expires_at from events where item_id = $1 order by position, sequence',
      [last.id],
    );
    expect(rows.map(({ type }) => type)).toEqual(['REGISTERED', 'CLAIMED', 'LEASE_EXTENDED', 'LEASE_EXTENDED']);
    expect(rows[3]!.lease_expires_at.getTime()).toBeGreaterThan(rows[2]!.lease_expires_at.getTime());
  });

  it('are not held up by a row that nobody has touched for thousands of millions of transactions', async () => {
    // Its writer's id looks like one of the future, and nobody can have had that yet.
    const { rows } = await observer.query<{ writable: boolean }>(
      `select comes_after(((pg_current_xact_id()::text::bigint + 1000000000) & 4294967295)::text::xid) as writable`,
    );
    expect(rows).toEqual([{ writable: true }]);
  });
});
