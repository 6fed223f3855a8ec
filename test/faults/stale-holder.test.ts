import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HeldLease, Result } from '../../src/load/operations.ts';
import type { Random } from '../../src/load/random.ts';
import { createRandom } from '../../src/load/random.ts';
import { announceSeed, limitTime, size } from '../support/long-form.ts';
import type { Player } from '../support/players.ts';
import { Players } from '../support/players.ts';
import type { RunningProgram } from '../support/system.ts';
import { TestSystem } from '../support/system.ts';

limitTime();

/** A holder whose lease has ended can do nothing any more, whatever the moment at which it tries. */

const seed = announceSeed('stale holder');
const interleavings = size(200, 2_000);
const leaseSeconds = 1;
let system: TestSystem;
let gateways: readonly RunningProgram[];

beforeAll(async () => {
  system = await TestSystem.start();
  gateways = await Promise.all([system.runGateway(), system.runGateway()]);
  await system.runScheduler();
});
afterAll(async () => {
  await system.close();
});

interface Holding {
  readonly holder: Player;
  readonly lease: HeldLease;
}

/** So many people, each with a case in hand. */
async function handOut(players: Players, prefix: string, count: number, seconds: number): Promise<Holding[]> {
  const people = await Promise.all(
    Array.from({ length: count }, (_, n) => players.join(`${prefix}-${n + 1}`, 'auditor', n)),
  );
  return Promise.all(people.map(async (holder) => ({ holder, lease: (await holder.claim(seconds, 20_000))! })));
}

async function registerMany(players: Players, count: number): Promise<void> {
  const applicant = await players.join('applicant-1', 'applicant');
  await Promise.all(Array.from({ length: count }, () => applicant.register()));
}

/** Deciding, extending and releasing, one after the other, in an order that chance chooses. */
async function tryEverything({ holder, lease }: Holding, random: Random): Promise<Result[]> {
  const attempts = [() => holder.decide(lease), () => holder.extend(lease, 60), () => holder.release(lease)]
    .map((attempt) => ({ attempt, order: random() }))
    .sort((a, b) => a.order - b.order);
  const results: Result[] = [];
  for (const { attempt } of attempts) results.push(await attempt());
  return results;
}

function readLeases(namespace: string): Promise<object[]> {
  const text = 'select i.*, c.verdict from items i join cases c on c.id = i.id where i.namespace = $1 order by i.id';
  return gateways[0]!.foundation.shard.run({ name: 'test-leases', text }, [namespace]);
}

describe('a holder whose lease has ended', () => {
  test('and whose case somebody else has: every act is refused and changes nothing', async () => {
    const players = new Players(system.target(...gateways), 'stale', seed);
    await registerMany(players, interleavings);
    const old = await handOut(players, 'old', interleavings, leaseSeconds);
    // The line is long: those who are handed the cases next wait until the leases have ended.
    const next = await handOut(players, 'new', interleavings, 600);
    expect(new Set(next.map(({ lease }) => lease.caseId)).size).toBe(interleavings);
    const before = await readLeases('stale');
    const random = createRandom(seed, 'order of acts');
    const results = (await Promise.all(old.map((holding) => tryEverything(holding, random)))).flat();
    expect(results.filter(({ type }) => type !== 'LeaseLost')).toEqual([]);
    expect(await readLeases('stale')).toEqual(before);
    await Promise.all(next.map(({ holder, lease }) => holder.decide(lease)));
    expect((await players.judge()).violations).toEqual([]);
    players.close();
  });

  test('racing at the very moment of its end with whoever is next: one of them has it', async () => {
    const players = new Players(system.target(...gateways), 'race', seed);
    await registerMany(players, interleavings);
    const old = await handOut(players, 'old', interleavings, leaseSeconds);
    const random = createRandom(seed, 'moments');
    const rivals = handOut(players, 'new', Math.floor(interleavings * 0.5), 600);
    await Promise.all(
      old.map(async (holding) => {
        const { expiresAtMs, serverTimeMs } = holding.lease.lease;
        await delay(Math.max(0, expiresAtMs - serverTimeMs - 60 + random() * 120));
        return tryEverything(holding, random);
      }),
    );
    players.close();
    await rivals.catch(() => undefined); // those for whom no case was left have gone
    expect((await players.judge()).violations).toEqual([]);
  });
});
