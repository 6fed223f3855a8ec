import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Foundation } from '../../src/compose.ts';
import type { Actor } from '../../src/domain/actor.ts';
import { summarizeDurations } from '../../src/load/statistics.ts';
import type { TestEngine } from '../support/engine.ts';
import { actor, never, startEngine } from '../support/engine.ts';
import { isLongForm, limitTime } from '../support/long-form.ts';

limitTime();

/**
 * One tenant with a million items does not slow another's first item: how long an item takes from its enqueuing to a
 * consumer who waits, with and without the neighbour. In the long form only; the figures are printed.
 */

const neighbourItems = 1_000_000;
const samples = 200;
const big: Actor = { ...actor('big', 'producer', 'consumer', 'operator'), namespace: 'big' };
const small: Actor = { ...actor('small', 'producer', 'consumer'), namespace: 'small' };
let engine: TestEngine;
/** A gateway for each tenant, as a tenant's clients may be at any. */
let gateways: readonly [Foundation, Foundation];

beforeAll(async () => {
  if (!isLongForm) return;
  engine = await startEngine();
  await engine.startScheduler();
  gateways = [engine.foundation, await engine.another()];
});
afterAll(async () => {
  if (isLongForm) await engine.stop();
});

/** From before the call of enqueue to the answer of a dequeue that was waiting for it; milliseconds. */
async function deliverOne(): Promise<number> {
  const { services } = gateways[1];
  const requests = [{ topic: 'first', count: 1 }];
  const waiting = services.dequeue(small, { namespace: 'small', requests, waitMs: 20_000 }, never);
  await delay(5 + Math.random() * 20); // it waits, and the moments are not those of anybody's timer
  const startedAt = performance.now();
  const items = [{ topic: 'first', payload: Buffer.alloc(100) }];
  const enqueuing = services.enqueue(small, { namespace: 'small', items });
  const { items: got } = await waiting;
  const took = performance.now() - startedAt;
  await enqueuing;
  const leases = got.map(({ item, lease }) => ({ itemId: item.id, leaseToken: lease.token }));
  expect(await services.ack(small, { namespace: 'small', leases })).toEqual([true]);
  return took;
}

async function measure(name: string): Promise<{ readonly p50Ms: number; readonly p99Ms: number }> {
  for (let n = 0; n < 20; n++) await deliverOne();
  const took: number[] = [];
  for (let n = 0; n < samples; n++) took.push(await deliverOne());
  const { p50Ms, p99Ms } = summarizeDurations(took);
  console.info(`${name}: p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`);
  return { p50Ms, p99Ms };
}

/** A million ready items of random priority, as `enqueue` would leave them. */
async function fillNeighbour(): Promise<void> {
  const { services, topics } = gateways[0];
  await services.upsertTopic(big, { namespace: 'big', name: 'many', history: false });
  const topic = await topics.ensure('big', 'queue', 'many');
  const client = new Client({ connectionString: engine.database.url });
  await client.connect();
  try {
    await client.query(
      `insert into items (id, namespace, topic_id, priority, deliver_after, state, payload, given_priority, enqueued_at,
                          enqueued_by)
       select overlay(uuidv7()::text placing '7000' from 15 for 4)::uuid, 'big', $1, p, now(), 'ready', '\\x00', p, now(), 'big'
         from (select (random() * 4000000000 - 2000000000)::integer as p from generate_series(1, $2)) g`,
      [topic.id, neighbourItems],
    );
    await client.query('analyze items');
  } finally {
    await client.end();
  }
}

/** The neighbour's eight consumers and its producer, at full speed, until told to stop. @returns how many items they end */
async function workAtNeighbour(over: AbortSignal): Promise<number> {
  const { services } = gateways[0];
  let ended = 0;
  const consume = async (): Promise<void> => {
    while (!over.aborted) {
      const requests = [{ topic: 'many', count: 100 }];
      const { items } = await services.dequeue(big, { namespace: 'big', requests }, never);
      const leases = items.map(({ item, lease }) => ({ itemId: item.id, leaseToken: lease.token }));
      if (leases.length > 0) await services.ack(big, { namespace: 'big', leases });
      ended += leases.length;
    }
  };
  const produce = async (): Promise<void> => {
    while (!over.aborted) {
      const items = Array.from({ length: 1_000 }, () => ({ topic: 'many', payload: Buffer.alloc(100) }));
      await services.enqueue(big, { namespace: 'big', items });
    }
  };
  await Promise.all([produce(), ...Array.from({ length: 8 }, consume)]);
  return ended;
}

test.runIf(isLongForm)('an item of one tenant does not wait for a million of another', async () => {
  const alone = await measure('alone');
  await fillNeighbour();
  const beside = await measure('beside a million ready items');
  const over = new AbortController();
  const working = workAtNeighbour(over.signal);
  const startedAt = performance.now();
  const busy = await measure('beside a million ready items and their consumers at full speed');
  over.abort();
  const ended = await working;
  console.info(`meanwhile they ended ${Math.round((ended * 1_000) / (performance.now() - startedAt))} items a second`);
  // What lies there costs nothing; what is worked on there costs the processor that it takes.
  expect(beside.p50Ms).toBeLessThan(alone.p50Ms * 2 + 2);
  expect(busy.p50Ms).toBeLessThan(250);
  expect(busy.p99Ms).toBeLessThan(2_000);
});
