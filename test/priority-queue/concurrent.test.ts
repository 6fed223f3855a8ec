import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Foundation } from '../../src/compose.ts';
import { createRandom } from '../../src/load/random.ts';
import type { Delivery } from '../../src/priority-queue/dequeue.ts';
import type { TestEngine } from '../support/engine.ts';
import { actor, never, startEngine } from '../support/engine.ts';
import { announceSeed, limitTime, size } from '../support/long-form.ts';
import type { QueueEvent } from './model/check-queue-ledger.ts';
import { checkQueueLedger } from './model/check-queue-ledger.ts';

limitTime();

/** Eight producers and eight consumers at two gateways: leases run out, items go back, change their place and expire. */

const seed = announceSeed('concurrent queue');
const random = createRandom(seed, 'concurrent queue');
const otto = actor('otto', 'operator');
const itemsWanted = size(1_500, 20_000);
const namespace = 'acme';
const topic = 'crowded';
const consumers = 8;
const producers = 8;
/** How long another process's items may be passed over; the head hint's second, and what it takes to tell. */
const slackMilliseconds = 1_200;

let engine: TestEngine;
let gateways: readonly Foundation[];

beforeAll(async () => {
  engine = await startEngine();
  await engine.startScheduler();
  gateways = [engine.foundation, await engine.another()];
});
afterAll(() => engine.stop());

interface Sent {
  readonly priority: number;
  readonly dueMilliseconds: number;
  readonly expiresMilliseconds: number;
  readonly gateway: number;
  readonly answeredAt: number;
  /** Its place in the order was not the same all the time. */
  moved: boolean;
}

interface Taken {
  readonly id: string;
  readonly gateway: number;
  readonly askedAt: number;
  readonly answeredAt: number;
  readonly delivery: Delivery;
}

const sent = new Map<string, Sent>();
const taken: Taken[] = [];
const acked: string[] = [];

function chance(part: number): boolean {
  return random() < part;
}

async function produce(number: number): Promise<void> {
  const gateway = number % gateways.length;
  while (sent.size < itemsWanted) {
    const items = Array.from({ length: 1 + Math.floor(random() * 20) }, () => ({
      topic,
      priority: chance(0.1) ? 2_147_483_647 : Math.floor(random() * 100) - 50,
      payload: Buffer.alloc(Math.floor(random() * 64)),
      deliverAfter: chance(0.1) ? new Date(Date.now() + random() * 1_500) : null,
      ttlSeconds: chance(0.05) ? 1 : 3_600,
    }));
    const result = await gateways[gateway]!.services.enqueue(otto, { namespace, items });
    const answeredAt = performance.now();
    if (result.kind !== 'enqueued') throw new Error(result.kind);
    for (const [index, one] of result.results.entries()) {
      if (one.kind !== 'enqueued') throw new Error(one.kind);
      sent.set(one.item.id, {
        priority: one.item.priority!,
        dueMilliseconds: one.item.deliverAfter!.getTime(),
        expiresMilliseconds: one.item.expiresAt!.getTime(),
        gateway,
        answeredAt,
        moved: items[index]!.deliverAfter !== null,
      });
    }
    if (chance(0.3)) await changeOne(gateway);
    await delay(random() * 5);
  }
}

async function changeOne(gateway: number): Promise<void> {
  const ids = [...sent.keys()];
  const id = ids[Math.floor(random() * ids.length)]!;
  sent.get(id)!.moved = true;
  const { services } = gateways[gateway]!;
  const changing = services.updateItem(otto, { itemId: id, priority: Math.floor(random() * 100) - 50 });
  await changing.catch((error: { code?: string }) => {
    if (error.code !== 'NOT_FOUND') throw error; // it has left the queue
  });
}

async function consume(number: number, isOver: () => Promise<boolean>): Promise<void> {
  const gateway = number % gateways.length;
  const { services } = gateways[gateway]!;
  const who = actor(`consumer-${number}`, 'consumer');
  for (;;) {
    const askedAt = performance.now();
    const requests = [{ topic, count: 1 + Math.floor(random() * 15) }];
    const { items } = await services.dequeue(who, { namespace, requests, waitMs: 500, leaseSeconds: 2 }, never);
    const answeredAt = performance.now();
    for (const delivery of items) taken.push({ id: delivery.item.id, gateway, askedAt, answeredAt, delivery });
    const leases = items.map(({ item, lease }) => ({ itemId: item.id, leaseToken: lease.token }));
    // Some are forgotten: their leases end. Some go back, with and without a delay.
    const kept = leases.filter(() => !chance(0.02));
    const back = kept.filter(() => chance(0.1));
    const finished = kept.filter((lease) => !back.includes(lease));
    if (back.length > 0) {
      const nacks = back.map((lease) => ({ ...lease, delaySeconds: chance(0.5) ? 0 : 1 }));
      await services.nack(who, { namespace, leases: nacks });
    }
    if (finished.length > 0) {
      const results = await services.ack(who, { namespace, leases: finished });
      for (const [index, done] of results.entries()) if (done) acked.push(finished[index]!.itemId);
    }
    if (items.length === 0 && (await isOver())) return;
  }
}

/** Whoever was taken for the first time while a better one, known to be there for long enough, was left. */
function findInversions(): string[] {
  const firsts = new Map<string, Taken>();
  for (const one of taken) if (!firsts.has(one.id)) firsts.set(one.id, one);
  const plain = [...firsts.values()].filter(({ id }) => !sent.get(id)!.moved);
  const inversions: string[] = [];
  for (const worse of plain) {
    for (const better of plain) {
      const a = sent.get(better.id)!;
      const b = sent.get(worse.id)!;
      if (a.priority >= b.priority) continue;
      const since = a.answeredAt + (a.gateway === worse.gateway ? 0 : slackMilliseconds);
      if (since < worse.askedAt && better.askedAt > worse.answeredAt)
        inversions.push(`${worse.id} before ${better.id}`);
    }
  }
  return inversions;
}

test('keeps every promise with eight producers and eight consumers at two gateways', async () => {
  await engine.foundation.services.upsertTopic(otto, { namespace, name: topic, maxAttempts: 0 });
  let produced = false;
  const settings = (await engine.foundation.services.findTopic(otto, namespace, topic))!;
  const isOver = async (): Promise<boolean> =>
    produced && (await engine.foundation.services.countTopic(settings)).depth === 0;
  const consuming = Array.from({ length: consumers }, (_, number) => consume(number, isOver));
  await Promise.all(Array.from({ length: producers }, (_, number) => produce(number)));
  produced = true;
  await Promise.all(consuming);

  const pool = await engine.foundation.shard.pool();
  const { rows: events } = await pool.query<QueueEvent>(
    `select item_id, type, (extract(epoch from at) * 1000)::float8 as at_ms,
            (extract(epoch from lease_expires_at) * 1000)::float8 as lease_ends_ms
       from item_events order by position, sequence`,
  );
  expect(checkQueueLedger(events)).toEqual([]);
  // What was answered is acknowledged once, or has outlived its time; nothing else came or went.
  expect(new Set(acked).size).toBe(acked.length);
  const expired = events.filter((event) => event.type === 'EXPIRED').map((event) => event.item_id);
  expect([...acked, ...expired].sort()).toEqual([...sent.keys()].sort());
  for (const { delivery } of taken) {
    const { item, lease } = delivery;
    const { dueMilliseconds, expiresMilliseconds } = sent.get(item.id)!;
    expect(lease.acquiredAt.getTime()).toBeGreaterThanOrEqual(dueMilliseconds);
    expect(lease.acquiredAt.getTime()).toBeLessThanOrEqual(expiresMilliseconds);
  }
  expect(findInversions()).toEqual([]);
  expect(taken.length).toBeGreaterThan(acked.length);
});
