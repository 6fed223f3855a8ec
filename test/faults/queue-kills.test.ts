import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { OwnSystem } from '../../src/load/own-system.ts';
import { renderQueueReport } from '../../src/load/queue/queue-report.ts';
import { runQueueLoad } from '../../src/load/queue/run-queue-load.ts';
import { createRandom } from '../../src/load/random.ts';
import type { SabotagePlan } from '../../src/load/saboteur.ts';
import { killsOfQueue, Saboteur } from '../../src/load/saboteur.ts';
import { announceSeed, isLongForm, limitTime, size } from '../support/long-form.ts';
import { uniqueDirectory } from '../support/servers.ts';

limitTime();

/**
 * The priority queue under load, while its gateways die between steps and at random moments, its schedulers, PostgreSQL
 * and nats-server are killed at random moments, several at once, and NATS loses all that it has. The long form kills 200
 * times, over two shards; FAULTS_KILLS says another number.
 */

const seed = announceSeed('queue kills');
const kills = Number(process.env.FAULTS_KILLS ?? 200);
const short: SabotagePlan = { 'gateway between steps': 1, scheduler: 1, 'nats-server wiped': 1, postgres: 1 };

let system: OwnSystem;

beforeAll(async () => {
  const directory = uniqueDirectory('queue-kills');
  system = await OwnSystem.start({
    directory,
    cacheDirectory: join(directory, 'cache'),
    gateways: 2,
    schedulers: size(1, 2),
    shards: size(1, 2),
    report: () => undefined,
  });
});
afterAll(() => system.close(false));

test('loses nothing, does nothing twice under one lease, and leaves nothing stuck', async () => {
  let saboteur: Saboteur | undefined;
  const result = await runQueueLoad(
    {
      namespace: 'acme',
      items: 300,
      producers: 3,
      consumers: 3,
      batchMax: 10,
      topics: 3,
      leaseSeconds: 2,
      waitMs: 2_000,
      backlogMax: 200,
      habits: { fails: 0.05, lingers: 0.001, doubles: 0.05, dawdlers: size(1, 2) },
      seed,
      stallMs: 60_000,
      stuckRule: { freeMsMax: 5_000, recoveryMs: 5_000 },
    },
    system,
    {
      alongside: (history, signal) => {
        const plan = isLongForm ? killsOfQueue(kills, true) : short;
        const onDisturbance = history.disturbances.push.bind(history.disturbances);
        saboteur = new Saboteur(system, plan, createRandom(seed, 'sabotage'), onDisturbance, size(300, 1_500));
        saboteur.progress(1); // at random moments of the time, however far the load is
        return saboteur.run(signal);
      },
    },
  );
  if (isLongForm) console.info(renderQueueReport(result, saboteur!.done));
  expect(result.gaveUp).toBeUndefined();
  expect(result.findings.violations).toEqual([]);
  expect(saboteur!.total).toBe(isLongForm ? kills : 5);
  expect(result.enqueued).toBeGreaterThan(0);
});
