import type { Arbitrary, AsyncCommand } from 'fast-check';
import fc from 'fast-check';
import { expect } from 'vitest';
import type { Foundation } from '../../../src/compose.ts';
import type { Actor } from '../../../src/domain/actor.ts';
import type { Statement } from '../../../src/postgres/sql.ts';
import { createQueueHousekeeping } from '../../../src/priority-queue/housekeeping.ts';
import { createDueItemPromoter } from '../../../src/scheduler/promote-due.ts';
import type { Repeating } from '../../../src/scheduler/repeating.ts';
import { createLeaseSweeper } from '../../../src/scheduler/return-expired.ts';
import { never } from '../../support/engine.ts';
import type { QueueModel } from './queue-model.ts';

/** What the commands act upon: one process's engine, and a topic that nobody else uses. */
export interface Real {
  readonly foundation: Foundation;
  readonly actor: Actor;
  readonly topic: string;
}

type Command = AsyncCommand<QueueModel, Real>;

/** Long ago, so that it is before any item's own moment; and far away. */
const past = Date.UTC(2020, 0, 1);
const namespace = 'acme';

const priorities = fc.oneof(
  fc.constantFrom(-2_147_483_648, 2_147_483_647, 0, 1, -1),
  fc.integer({ min: -2_147_483_648, max: 2_147_483_647 }),
);

/** How often each command was done, by the first word of its name: a test that does nothing proves nothing. */
export const done = new Map<string, number>();

function command(name: string, run: (model: QueueModel, real: Real) => Promise<void>): Command {
  const kind = name.split(' ', 1)[0]!;
  return {
    check: () => true,
    run: async (model, real) => {
      // A pick that comes short notices leases that have ended; behind other ready items only the sweeper does.
      if (model.unswept && kind !== 'dequeue') await sweep(model, real);
      await run(model, real);
      done.set(kind, (done.get(kind) ?? 0) + 1);
    },
    toString: () => name,
  };
}

/** Sets rows as time would have, which a test does not wait for. */
async function pretend({ foundation }: Real, text: string, values: readonly unknown[]): Promise<void> {
  const statement: Statement = { name: text.slice(0, 60), text };
  await foundation.shard.run(statement, values);
}

async function sweep(model: QueueModel, { foundation }: Real): Promise<void> {
  const { shard, topics, announcer, log } = foundation;
  await once(createLeaseSweeper(shard, topics, announcer, log, () => undefined));
  model.unswept = false;
}

/** One step of a service that repeats. */
async function once(service: Repeating): Promise<void> {
  await service.start();
  await service.stop();
}

const enqueue: Arbitrary<Command> = fc
  .array(fc.record({ priority: priorities, when: fc.constantFrom('now', 'now', 'past', 'future') }), {
    minLength: 1,
    maxLength: 6,
  })
  .map((items) =>
    command(`enqueue ${JSON.stringify(items)}`, async (model, { foundation, actor, topic }) => {
      const times = { now: undefined, past: new Date(past), future: new Date(Date.now() + 86_400_000) } as const;
      const result = await foundation.services.enqueue(actor, {
        namespace,
        items: items.map(({ priority, when }, index) => ({
          topic,
          priority,
          payload: Buffer.from(String(index)),
          metadata: { note: index },
          deliverAfter: times[when as keyof typeof times] ?? null,
        })),
      });
      if (result.kind !== 'enqueued') throw new Error(result.kind);
      for (const [index, one] of result.results.entries()) {
        if (one.kind !== 'enqueued') throw new Error(one.kind);
        const { priority, when } = items[index]!;
        const state = when === 'future' ? 'delayed' : 'ready';
        model.add(one.item.id, {
          priority,
          dueMilliseconds: one.item.deliverAfter!.getTime(),
          state,
          metadata: index,
        });
      }
    }),
  );

const dequeue: Arbitrary<Command> = fc.integer({ min: 1, max: 7 }).map((count) =>
  command(`dequeue ${count}`, async (model, real) => {
    const { foundation, actor, topic } = real;
    const expected = model.next(count);
    const input = { namespace, requests: [{ topic, count }] };
    const result = await foundation.services.dequeue(actor, input, never);
    // In a paused topic nobody looks for leases that have ended but the sweeper.
    if (model.unswept && model.paused) await sweep(model, real);
    expect(result.items.map(({ item }) => item.id)).toEqual(expected.map((item) => item.id));
    if (expected.length < count && !model.paused) model.unswept = false;
    for (const [index, { item, lease }] of result.items.entries()) {
      const known = expected[index]!;
      known.state = 'leased';
      known.attempt += 1;
      known.token = lease.token;
      expect(item).toMatchObject({
        priority: known.priority,
        attempt: known.attempt,
        metadata: { note: known.metadata },
      });
    }
    expect(await result.topics[0]!.countReady()).toBe(model.of('ready').length);
  }),
);

const ack: Arbitrary<Command> = fc.nat().map((which) =>
  command(`ack ${which}`, async (model, { foundation, actor }) => {
    const item = model.pick('leased', which);
    if (item === undefined) return;
    const leases = [{ itemId: item.id, leaseToken: item.token }];
    expect(await foundation.services.ack(actor, { namespace, leases })).toEqual([true]);
    model.items.delete(item.id);
  }),
);

const nack: Arbitrary<Command> = fc.record({ which: fc.nat(), later: fc.boolean(), note: fc.nat(9) }).map((how) =>
  command(`nack ${JSON.stringify(how)}`, async (model, { foundation, actor, topic }) => {
    const item = model.pick('leased', how.which);
    if (item === undefined) return;
    const lease = {
      itemId: item.id,
      leaseToken: item.token,
      metadata: { note: how.note },
      delaySeconds: how.later ? 3_600 : 0,
    };
    const [result] = await foundation.services.nack(actor, { namespace, leases: [lease] });
    item.metadata = how.note;
    if (model.end(item)) {
      expect(result).toEqual({ kind: 'dead', deadLetterTopic: `${topic}-dead` });
      return;
    }
    if (result?.kind !== 'returned') throw new Error(result?.kind);
    item.state = how.later ? 'delayed' : 'ready';
    item.dueMilliseconds = result.deliverAfter.getTime();
  }),
);

const leaseEnds: Arbitrary<Command> = fc.record({ which: fc.nat(), swept: fc.boolean() }).map(({ which, swept }) =>
  command(`the lease of ${which} ends`, async (model, real) => {
    const item = model.pick('leased', which);
    if (item === undefined) return;
    await pretend(
      real,
      `update items set lease_acquired_at = now() - interval '2 hours', lease_expires_at = now() - interval '1 hour' where id = $1`,
      [item.id],
    );
    model.unswept = true;
    if (swept || model.of('ready').length > 0) await sweep(model, real);
    if (!model.end(item)) item.state = 'ready';
  }),
);

const timeComes: Arbitrary<Command> = fc.nat().map((which) =>
  command(`the time of ${which} comes`, async (model, real) => {
    const item = model.pick('delayed', which);
    if (item === undefined) return;
    await pretend(real, 'update items set deliver_after = $2 where id = $1', [item.id, new Date(past).toISOString()]);
    const { shard, topics, announcer, log } = real.foundation;
    await once(createDueItemPromoter(shard, topics, announcer, log));
    item.state = 'ready';
    item.dueMilliseconds = past;
  }),
);

const expire: Arbitrary<Command> = fc.record({ which: fc.nat(), swept: fc.boolean() }).map(({ which, swept }) =>
  command(`the time to live of ${which} ends`, async (model, real) => {
    const item = model.pick('ready', which);
    if (item === undefined) return;
    await pretend(real, `update items set expires_at = now() - interval '1 second' where id = $1`, [item.id]);
    const { shard, announcer, log } = real.foundation;
    if (swept) for (const service of createQueueHousekeeping(shard, announcer, 7, log)) await once(service);
    model.items.delete(item.id);
  }),
);

const update: Arbitrary<Command> = fc
  .record({
    which: fc.nat(),
    state: fc.constantFrom('ready', 'delayed', 'leased'),
    priority: priorities,
    due: fc.boolean(),
  })
  .map(({ which, state, priority, due }) =>
    command(`update ${state} ${which} to ${priority}${due ? ', due' : ''}`, async (model, { foundation, actor }) => {
      const item = model.pick(state as 'ready', which);
      if (item === undefined) return;
      const change = { itemId: item.id, priority, ...(due ? { deliverAfter: new Date(past) } : {}) };
      const result = await foundation.services.updateItem(actor, change);
      expect(result.kind).toBe(state === 'leased' ? 'leased' : 'updated');
      if (state === 'leased') return;
      item.priority = priority;
      if (due && result.kind === 'updated') {
        // A time that is over counts as now.
        item.state = 'ready';
        item.dueMilliseconds = result.item.deliverAfter!.getTime();
        expect(item.dueMilliseconds).toBeGreaterThan(past);
      }
    }),
  );

const pauseOrResume: Arbitrary<Command> = fc.constant(
  command('pause or resume', async (model, { foundation, actor, topic }) => {
    await foundation.services[model.paused ? 'resumeTopic' : 'pauseTopic'](actor, { namespace, topic });
    model.paused = !model.paused;
  }),
);

const redrive: Arbitrary<Command> = fc.constant(
  command('redrive', async (model, { foundation, actor, topic }) => {
    const dead = model.of('dead');
    const result = await foundation.services.redriveDeadLetters(actor, { namespace, topic });
    expect([...result.itemIds].sort()).toEqual(dead.map((item) => item.id).sort());
    for (const item of dead) {
      const { deliverAfter } = await foundation.services.findItem(actor, item.id);
      item.state = 'ready';
      item.dueMilliseconds = deliverAfter!.getTime();
    }
  }),
);

const staleToken: Arbitrary<Command> = fc
  .record({ which: fc.nat(), act: fc.constantFrom('ack', 'nack') })
  .map(({ which, act }) =>
    command(`${act} under a dead token`, async (model, { foundation, actor }) => {
      const stale = model.deadTokens[which % Math.max(1, model.deadTokens.length)];
      if (stale === undefined) return;
      const leases = [{ itemId: stale.id, leaseToken: stale.token }];
      if (act === 'ack') expect(await foundation.services.ack(actor, { namespace, leases })).toEqual([false]);
      else expect(await foundation.services.nack(actor, { namespace, leases })).toEqual([{ kind: 'lost' }]);
    }),
  );

/** The history of any topic: enqueues and picks most of all. */
export function queueCommands(commandsMax: number): Arbitrary<Iterable<Command>> {
  const all = [
    enqueue,
    enqueue,
    enqueue,
    dequeue,
    dequeue,
    dequeue,
    ack,
    ack,
    nack,
    nack,
    leaseEnds,
    timeComes,
    expire,
    update,
    update,
    pauseOrResume,
    redrive,
    staleToken,
  ];
  return fc.commands<QueueModel, Real, boolean>(all, { maxCommands: commandsMax, size: 'max' }) as unknown as Arbitrary<
    Iterable<Command>
  >;
}
