import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { issueToken } from '../../src/auth/tokens.ts';
import { QueueClient } from '../../src/client/queue-client.ts';
import type { CrashPoint } from '../../src/crash-point.ts';
import { createRandom } from '../../src/load/random.ts';
import type { QueueEvent } from '../priority-queue/model/check-queue-ledger.ts';
import { checkQueueLedger } from '../priority-queue/model/check-queue-ledger.ts';
import { announceSeed, limitTime, size } from '../support/long-form.ts';
import { TestSystem } from '../support/system.ts';
import { waitUntil } from '../support/wait-until.ts';

limitTime();

/**
 * The priority queue under load while its gateway dies between steps and at random moments, its scheduler is killed and
 * NATS loses all it has. Producers and consumers only know one address, and go on when somebody listens there again.
 */

const seed = announceSeed('queue kills');
const random = createRandom(seed, 'queue kills');
const kills = size(4, 200);
const leaseSeconds = 2;
/** A lease, what may pass until it is noticed, and what the last start may take. */
const drainMilliseconds = 20_000;
const points: readonly CrashPoint[] = [
  'enqueue_after_commit',
  'claim_after_commit',
  'ack_after_commit',
  'nack_after_commit',
];
/** Producers wait while so many are not handled yet: what is left in the end is drained in a time that can be stated. */
const backlogMax = 300;
const namespace = 'acme';
const topic = 'killed';

let system: TestSystem;
let database: Client;

beforeAll(async () => {
  system = await TestSystem.start();
  database = new Client({ connectionString: system.databaseUrl });
  await database.connect();
});
afterAll(async () => {
  await database.end();
  await system.close();
});

test('loses nothing, does nothing twice under one lease, and leaves nothing stuck', async () => {
  const gateway = await system.spawn('gateway', 'queue gateway', { CASELOAD_CRASH_AT: points[0]! });
  const scheduler = await system.spawn('scheduler', 'queue scheduler');
  const token = await issueToken({
    subject: 'program',
    namespace,
    roles: ['producer', 'consumer'],
    secret: system.authSecret,
    expiresInSeconds: 86_400,
  });
  const client = new QueueClient({ url: gateway.url, token, namespace, retryMs: 1_800_000, timeoutMs: 5_000 });

  const enqueued = new Set<string>();
  const handled = new Set<string>();
  let isOver = false;
  const produce = async (): Promise<void> => {
    while (!isOver) {
      if (enqueued.size - handled.size > backlogMax) {
        await delay(50);
        continue;
      }
      const items = Array.from({ length: 1 + Math.floor(random() * 10) }, () => ({
        topic,
        payload: 'x',
        priority: Math.floor(random() * 10),
      }));
      for (const result of await client.enqueue(items)) if (result.status === 'enqueued') enqueued.add(result.id);
      await delay(5 + random() * 20);
    }
  };
  const consumer = client.consume(
    topic,
    (item) => {
      // Some fail once in a while, and are given back.
      if (random() < 0.1) throw new Error('failed by chance');
      handled.add(item.id);
    },
    { concurrency: 8, leaseSeconds, waitMs: 2_000 },
  );
  const producing = Promise.all([produce(), produce(), produce(), produce()]);

  for (let kill = 1; kill <= kills; kill += 1) {
    if (kill <= points.length || random() < 0.5)
      await gateway.program.exited; // armed: it dies at its crash point
    else {
      await delay(random() * 1_000);
      await gateway.program.kill();
    }
    if (kill % 4 === 0) {
      await system.stopNats();
      await system.startNats({ wipe: true });
    }
    if (kill % 3 === 0) {
      await scheduler.program.kill();
      await scheduler.program.start();
    }
    // The next one is armed unless it is the last.
    const point = kill < points.length ? points[kill]! : points[Math.floor(random() * points.length)]!;
    await gateway.program.start(kill < kills ? { CASELOAD_CRASH_AT: point } : {});
  }
  isOver = true;
  await producing;
  const open = async (): Promise<number> => {
    const { rows } = await database.query<{ open: number }>('select count(*)::integer as open from items');
    return rows[0]!.open;
  };
  await waitUntil('nothing is left', async () => (await open()) === 0, drainMilliseconds);
  await consumer.stop();

  const { rows: events } = await database.query<QueueEvent>(
    `select item_id, type, (extract(epoch from at) * 1000)::float8 as at_ms,
            (extract(epoch from lease_expires_at) * 1000)::float8 as lease_ends_ms
       from events order by position, sequence`,
  );
  expect(checkQueueLedger(events)).toEqual([]);
  const idsOf = (type: string) => events.filter((event) => event.type === type).map((event) => event.item_id);
  // Each call was repeated under its key until it was answered: what is in the record was answered, once each.
  expect(idsOf('ENQUEUED').sort()).toEqual([...enqueued].sort());
  expect(idsOf('ACKED').sort()).toEqual([...enqueued].sort());
  for (const id of enqueued) expect(handled.has(id)).toBe(true);
  expect(enqueued.size).toBeGreaterThan(kills);
});
