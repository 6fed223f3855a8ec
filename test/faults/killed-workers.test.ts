import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../src/load/random.ts';
import type { TestEngine } from '../support/engine.ts';
import { startEngine, testSecret } from '../support/engine.ts';
import { announceSeed, limitTime, size } from '../support/long-form.ts';
import type { RunningModule } from '../support/run-module.ts';
import { runModule } from '../support/run-module.ts';
import { uniqueDirectory } from '../support/servers.ts';
import { createJob, untilStatus } from '../tasks/task-engine.ts';

limitTime();

/**
 * Workers die at random, again and again, while jobs keep coming. No task is lost, none runs for ever, none is done
 * twice in the record, and every attempt is accounted for.
 */

const kills = size(6, 100);
const workersAtOnce = 3;
const tasksPerJob = 5;
let engine: TestEngine;

beforeAll(async () => {
  engine = await startEngine();
  await engine.startScheduler();
});
afterAll(() => engine.stop());

const program = JSON.stringify(fileURLToPath(new URL('../tasks/worker-process.ts', import.meta.url)));

function startWorker(): RunningModule {
  return runModule(`await import(${program});`, {
    PATH: process.env.PATH,
    DATABASE_URLS: engine.database.url,
    NATS_URL: engine.nats.url,
    AUTH_SECRET: testSecret,
    BLOB_URL: `fs:${uniqueDirectory('killed-worker-blobs')}`,
  });
}

/** Creates jobs until it is told to stop: plain ones, and ones whose last task waits for all others. */
async function keepCreating(signal: AbortSignal, random: () => number): Promise<readonly string[]> {
  const taskIds: string[] = [];
  while (!signal.aborted) {
    const tasks = Array.from({ length: tasksPerJob }, (_, place) => ({
      kind: 'steady',
      maxAttempts: 100,
      priority: Math.floor(random() * 10),
      ...(place === tasksPerJob - 1 && random() < 0.5 ? { dependsOn: ['0', '1', '2', '3'] } : {}),
    }));
    taskIds.push(...(await createJob(engine.foundation, tasks)).taskIds);
    await delay(60 * random());
  }
  return taskIds;
}

async function read(text: string, ids: readonly string[]): Promise<readonly object[]> {
  const pool = await engine.foundation.shard.pool();
  return (await pool.query<object>(text, [ids])).rows;
}

describe('workers that are killed at random under load', () => {
  it(`lose no task in ${kills} kills, and leave none running`, async () => {
    const seed = announceSeed('killed workers');
    const random = createRandom(seed, 'kills');
    const stopping = new AbortController();
    const creating = keepCreating(stopping.signal, createRandom(seed, 'jobs'));
    const workers = Array.from({ length: workersAtOnce }, startWorker);
    for (let kill = 0; kill < kills; kill++) {
      const place = Math.floor(random() * workers.length);
      await workers[place]!.firstLine;
      await delay(random() * 150);
      workers[place]!.child.kill('SIGKILL');
      await workers[place]!.exited;
      workers[place] = startWorker();
    }
    stopping.abort();
    const ids = await creating;
    for (const id of ids) await untilStatus(engine.foundation, id, 'SUCCEEDED');

    expect(await read('select id from items where id = any ($1)', ids)).toEqual([]);
    // Each task has one attempt that succeeded, its last, and every claim before it is accounted for.
    const wrong = await read(
      `select t.id, t.attempts, count(a.*)::integer as told, max(c.claims)::integer as claims
         from tasks t join task_attempts a on a.task_id = t.id
         join lateral (select count(*) as claims from events e where e.item_id = t.id and e.type = 'CLAIMED') c on true
        where t.id = any ($1)
        group by t.id
       having count(*) filter (where a.outcome = 'SUCCEEDED' and a.attempt = t.attempts) <> 1
           or count(*) filter (where a.outcome = 'SUCCEEDED') <> 1
           or count(*) <> t.attempts or max(c.claims) <> t.attempts`,
      ids,
    );
    expect(wrong).toEqual([]);
    // No two workers ever held one task at the same time.
    const overlaps = await read(
      `select a.task_id from task_attempts a join task_attempts b on b.task_id = a.task_id and b.attempt > a.attempt
        where a.task_id = any ($1) and b.started_at < a.ended_at`,
      ids,
    );
    expect(overlaps).toEqual([]);
    // The kills met tasks at work.
    const lost = await read(`select 1 from task_attempts where task_id = any ($1) and outcome = 'LOST'`, ids);
    expect(lost.length).toBeGreaterThan(0);
    console.info(`killed workers: ${ids.length} tasks, ${lost.length} attempts lost with their workers`);
    for (const worker of workers) worker.child.kill('SIGKILL');
    for (const worker of workers) await worker.exited;
  });
});
