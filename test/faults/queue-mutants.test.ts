import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { DeliveredItem } from '../../src/client/queue-client.ts';
import { QueueClient } from '../../src/client/queue-client.ts';
import { Tickets } from '../../src/jetstream/tickets.ts';
import type { Findings, ViolationKind } from '../../src/load/findings.ts';
import type { QueueLoadPlan } from '../../src/load/queue/run-queue-load.ts';
import { runQueueLoad } from '../../src/load/queue/run-queue-load.ts';
import { interfere, rewriteFunction, rewriteStatement } from '../load/mutate.ts';
import { isLongForm } from '../support/long-form.ts';
import type { RunningProgram } from '../support/system.ts';
import { TestSystem } from '../support/system.ts';

/**
 * The checker of the priority queue must see bugs. Each is planted into the real engine or the client, which then work
 * a small load; the same load without the bug must be clean. Those that take seconds belong to the long form.
 */

const seed = 20_261_121;
let system: TestSystem;
let gateways: readonly RunningProgram[];
let scheduler: RunningProgram;
let counter = 0;
const undo: (() => void | Promise<void>)[] = [];

beforeAll(async () => {
  system = await TestSystem.start();
  gateways = await Promise.all([system.runGateway(), system.runGateway()]);
  scheduler = await system.runScheduler();
});
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
  vi.restoreAllMocks();
});
afterAll(async () => {
  await system.close();
});

const plain: QueueLoadPlan['habits'] = { fails: 0, lingers: 0, doubles: 0, dawdlers: 0 };

async function work(plan: Partial<QueueLoadPlan>): Promise<Findings> {
  const result = await runQueueLoad(
    {
      namespace: `mutant-${++counter}`,
      items: 80,
      producers: 2,
      consumers: 4,
      batchMax: 10,
      topics: 1,
      leaseSeconds: 2,
      waitMs: 1_000,
      backlogMax: 1_000,
      habits: plain,
      seed,
      stallMs: 5_000,
      stuckRule: { freeMsMax: 5_000, recoveryMs: 0 },
      ...plan,
    },
    system.target(...gateways),
  );
  return result.findings;
}

function expectKinds(findings: Findings, ...kinds: ViolationKind[]): void {
  expect(findings.kinds).toEqual(expect.arrayContaining(kinds));
}

/** Some hold on to what they have when it is already somebody else's, who takes his time. */
const late: Partial<QueueLoadPlan> = { items: 60, habits: { ...plain, lingers: 0.5, dawdlers: 4 } };

/** Runs a statement and throws it away. */
function forget(name: string, every: number): void {
  let calls = 0;
  undo.push(
    interfere(async (shard, statement, values, proceed) => {
      if (statement.name !== name) return proceed(statement, values);
      calls += 1;
      if (calls % every !== 0) return proceed(statement, values);
      // Answered from what the transaction saw; then it fails.
      const client = await (await shard.pool()).connect();
      try {
        await client.query('begin');
        return (await client.query<object>(statement.text, values as unknown[])).rows;
      } finally {
        client.release(true); // thrown away with its open transaction
      }
    }),
  );
}

test('a load without a bug is clean', async () => {
  const habits = { fails: 0.1, lingers: 0, doubles: 0.3, dawdlers: isLongForm ? 3 : 0 };
  expect((await work({ habits })).violations).toEqual([]);
});

describe('the checker of the queue catches', () => {
  test('an answer before the commit of an enqueue', async () => {
    forget('enqueue-items', 3);
    expectKinds(await work({}), 'lost');
  });

  test('keys that are not kept', async () => {
    let calls = 0;
    undo.push(
      interfere((_shard, statement, values, proceed) => {
        if (statement.name !== 'enqueue-items') return proceed(statement, values);
        const changed = [...values];
        changed[3] = (values[3] as string[]).map((key) => `${key}-${++calls}`);
        return proceed(statement, changed);
      }),
    );
    expectKinds(await work({ habits: { ...plain, doubles: 1 } }), 'key had two effects');
  });

  test('a pick without a lock', async () => {
    undo.push(
      await rewriteFunction(system.databaseUrl, 'take_queue_items', (text) =>
        text
          .replace(/\n\s*for update skip locked/, '')
          // By its place on the page a row that somebody else has changed would not be found again.
          .replace('unnest(places,', 'unnest(ids,')
          .replace('u.ctid = g.place', 'u.id = g.place'),
      ),
    );
    expectKinds(await work({ items: 400, consumers: 8, producers: 4 }), 'held by two at once');
  });

  test('an ack by the clock of a gateway', async () => {
    undo.push(
      rewriteStatement('ack-items', (text) =>
        text.replaceAll('clock_timestamp()', "(clock_timestamp() - interval '3 s')"),
      ),
    );
    expectKinds(await work({}), 'time went back');
  });

  test('a nack that throws its item away', async () => {
    undo.push(
      interfere(async (shard, statement, values, proceed) => {
        const rows = await proceed(statement, values);
        if (statement.name === 'nack-items')
          await shard.run({ name: 'test-throw-away', text: 'delete from items where id = any ($1::uuid[])' }, [
            values[0],
          ]);
        return rows;
      }),
    );
    expectKinds(await work({ items: 40, habits: { ...plain, fails: 0.3 } }), 'lost');
  });

  test('a client that acknowledges before its handler is done', async () => {
    const dequeue = QueueClient.prototype.dequeue;
    vi.spyOn(QueueClient.prototype, 'dequeue').mockImplementation(async function (this: QueueClient, ...asked) {
      const items: readonly DeliveredItem[] = await dequeue.apply(this, asked);
      if (items.length > 0) await this.ack(items);
      return items;
    });
    expectKinds(await work({ items: 40, habits: { ...plain, fails: 0.3 } }), 'lost');
  });

  test.runIf(isLongForm)('an ack without a look at the token', async () => {
    undo.push(rewriteStatement('ack-items', (text) => text.replace('and l.lease_token = e.token ', '')));
    expectKinds(await work(late), 'acted without a live lease');
  });

  test.runIf(isLongForm)('an ack after the end of the lease', async () => {
    undo.push(rewriteStatement('ack-items', (text) => text.replace('and l.lease_expires_at > clock_timestamp()', '')));
    // With nobody who takes away what has ended, only the clock can refuse.
    undo.push(
      await rewriteFunction(system.databaseUrl, 'return_expired_items', (text) =>
        text.replace(
          'i.lease_expires_at <= clock_timestamp()',
          "i.lease_expires_at <= clock_timestamp() - interval '1 s'",
        ),
      ),
    );
    expectKinds(await work(late), 'acted without a live lease');
  });

  test.runIf(isLongForm)('an answer before the commit of an ack', async () => {
    forget('ack-items', 3);
    expectKinds(await work({ items: 30 }), 'answer contradicts the record');
  });

  test.runIf(isLongForm)('a sweep that takes leases that are alive', async () => {
    undo.push(
      await rewriteFunction(system.databaseUrl, 'return_expired_items', (text) =>
        text.replace('i.lease_expires_at <= clock_timestamp()', 'i.lease_acquired_at <= clock_timestamp()'),
      ),
    );
    expectKinds(await work({ items: 60, habits: { ...plain, lingers: 0.2 }, leaseSeconds: 5 }), 'lease ended early');
  });

  test.runIf(isLongForm)('attempts that are not counted', async () => {
    undo.push(
      await rewriteFunction(system.databaseUrl, 'take_queue_items', (text) =>
        text.replace('attempt = u.attempt + 1', 'attempt = 1'),
      ),
    );
    expectKinds(await work({ habits: { ...plain, fails: 0.3 } }), 'attempt out of order');
  });

  test.runIf(isLongForm)('tickets that get lost, with nobody to see it', async () => {
    await scheduler.stop();
    vi.spyOn(Tickets.prototype, 'issue').mockResolvedValue(undefined);
    const plan = { items: 4, producers: 1, batchMax: 1, stallMs: 6_000, waitMs: 3_000 };
    expectKinds(await work({ ...plan, stuckRule: { freeMsMax: 1_000, recoveryMs: 0 } }), 'stuck');
  });
});
