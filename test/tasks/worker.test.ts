import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { TaskStatus } from '../../src/domain/task.ts';
import { FatalTaskError } from '../../src/tasks/task-handler.ts';
import type { TestEngine } from '../support/engine.ts';
import { startEngine } from '../support/engine.ts';
import { handlerOf } from './handler-of.ts';
import { createJob, producer, startWorker, untilStatus } from './task-engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  await engine.startScheduler();
});
afterAll(() => engine.stop());

/** Undefined while the database cannot be reached. */
const statusOf = (taskId: string): Promise<TaskStatus | undefined> =>
  engine.foundation.services.taskStore.getTask(taskId).then(
    (task) => task.status,
    () => undefined,
  );

const attemptsOf = async (taskId: string) =>
  (await engine.foundation.services.taskStore.attemptsOf(taskId)).map((attempt) => [attempt.number, attempt.outcome]);

describe('the worker', () => {
  it('runs tasks of topics that it did not know when it started, and keeps their results', async () => {
    const stop = await startWorker(await engine.another(), [
      handlerOf('double', async ({ number }) => ({ doubled: Number(number) * 2 })),
    ]);
    const { taskIds, jobId } = await createJob(
      engine.foundation,
      [1, 2, 3].map((number) => ({ kind: 'double', payload: { number } })),
    );
    for (const [index, id] of taskIds.entries())
      expect(await untilStatus(engine.foundation, id, 'SUCCEEDED')).toMatchObject({
        result: { doubled: (index + 1) * 2 },
        attemptsCounted: 1,
      });
    expect(await engine.foundation.services.findJob(producer, jobId)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await attemptsOf(taskIds[0]!)).toEqual([[1, 'SUCCEEDED']]);
    const history = await engine.foundation.services.taskHistory(taskIds[0]!, 10, null);
    expect(history.events.map((event) => event.type)).toEqual(['CREATED', 'CLAIMED', 'SUCCEEDED']);
    const pool = await engine.foundation.shard.pool();
    expect((await pool.query('select 1 from items where id = any ($1)', [taskIds])).rowCount).toBe(0);
    await stop();
  });

  it('tries again after an error, with waits, until it succeeds', async () => {
    const seen: number[] = [];
    const stop = await startWorker(await engine.another(), [
      handlerOf('flaky', async (_payload, { attempt }) => {
        seen.push(attempt);
        if (attempt < 3) throw new Error(`no luck ${attempt}`);
        return undefined;
      }),
    ]);
    const { taskIds } = await createJob(engine.foundation, [{ kind: 'flaky', priority: 5 }]);
    expect(await untilStatus(engine.foundation, taskIds[0]!, 'SUCCEEDED')).toMatchObject({ priority: 5, error: null });
    expect(seen).toEqual([1, 2, 3]);
    expect(await attemptsOf(taskIds[0]!)).toEqual([
      [1, 'FAILED'],
      [2, 'FAILED'],
      [3, 'SUCCEEDED'],
    ]);
    await stop();
  });

  it('fails after the last attempt, and at once after a fatal error', async () => {
    const stop = await startWorker(await engine.another(), [
      handlerOf('broken', async ({ fatal }) => {
        if (fatal === true) throw new FatalTaskError('never');
        throw new Error('again\0', { cause: new Error('the line is dead') });
      }),
    ]);
    const { taskIds, jobId } = await createJob(engine.foundation, [
      { kind: 'broken', maxAttempts: 2 },
      { kind: 'broken', payload: { fatal: true } },
    ]);
    expect(await untilStatus(engine.foundation, taskIds[0]!, 'FAILED')).toMatchObject({
      attemptsCounted: 2,
      error: 'Error: again  (the line is dead)',
    });
    expect(await untilStatus(engine.foundation, taskIds[1]!, 'FAILED')).toMatchObject({
      attemptsCounted: 1,
      error: 'FatalTaskError: never',
    });
    expect(await engine.foundation.services.findJob(producer, jobId)).toMatchObject({ status: 'FAILED' });
    await stop();
  });

  it('ends a handler that takes too long', async () => {
    let aborted = false;
    const stop = await startWorker(await engine.another(), [
      handlerOf(
        'slow',
        (_payload, { signal }) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => {
              aborted = true;
              reject(new Error('aborted'));
            });
          }),
        { timeLimitMilliseconds: 50 },
      ),
    ]);
    const { taskIds } = await createJob(engine.foundation, [{ kind: 'slow', maxAttempts: 1 }]);
    const task = await untilStatus(engine.foundation, taskIds[0]!, 'FAILED');
    expect(task.error).toMatch(/longer than 50 ms/);
    expect(aborted).toBe(true);
    await stop();
  });

  it('keeps a long task by heartbeats, so that it runs once', async () => {
    let runs = 0;
    const handler = handlerOf(
      'long',
      async () => {
        runs += 1;
        await delay(3_500);
        return undefined;
      },
      { leaseSeconds: 1 },
    );
    const stops = [
      await startWorker(await engine.another(), [handler]),
      await startWorker(await engine.another(), [handler]),
    ];
    const { taskIds } = await createJob(engine.foundation, [{ kind: 'long' }]);
    await untilStatus(engine.foundation, taskIds[0]!, 'SUCCEEDED');
    expect(runs).toBe(1);
    for (const stop of stops) await stop();
  });

  it('changes nothing when the end is told under a dead token', async () => {
    const running = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const ends: string[] = [];
    const worker = await engine.another();
    const stop = await startWorker(worker, [
      handlerOf('stale', async (_payload, { attempt }) => {
        if (attempt === 1) {
          running.resolve();
          await goOn.promise;
        }
        ends.push(`attempt ${attempt}`);
        return { attempt };
      }),
    ]);
    const { taskIds } = await createJob(engine.foundation, [{ kind: 'stale' }]);
    await running.promise;
    // As if the first worker had been frozen: its lease ends, and the task is handed out again.
    const pool = await engine.foundation.shard.pool();
    await pool.query(`update items set lease_expires_at = clock_timestamp() where id = $1`, [taskIds[0]]);
    const task = await untilStatus(engine.foundation, taskIds[0]!, 'SUCCEEDED');
    expect(task.result).toEqual({ attempt: 2 });
    goOn.resolve();
    await stop();
    expect(ends).toEqual(['attempt 2', 'attempt 1']);
    expect(await engine.foundation.services.taskStore.getTask(taskIds[0]!)).toEqual(task);
    expect(await attemptsOf(taskIds[0]!)).toEqual([
      [1, 'LOST'],
      [2, 'SUCCEEDED'],
    ]);
  });

  it('runs a task when its time has come, not before', async () => {
    const ranAt = Promise.withResolvers<number>();
    const stop = await startWorker(await engine.another(), [
      handlerOf('timed', async () => {
        ranAt.resolve(Date.now());
        return undefined;
      }),
    ]);
    const runAt = new Date(Date.now() + 1_200);
    const { tasks } = await createJob(engine.foundation, [{ kind: 'timed', runAt }]);
    expect(tasks[0]).toMatchObject({ status: 'SCHEDULED', nextRunAt: runAt });
    const late = (await ranAt.promise) - runAt.getTime();
    expect(late).toBeGreaterThanOrEqual(0);
    expect(late).toBeLessThan(2_000);
    await stop();
  });

  it('finishes what it can on a stop, gives the rest back, and counts no attempt for that', async () => {
    const started = Promise.withResolvers<void>();
    const quickStarted = Promise.withResolvers<void>();
    const kinds = (hangs: boolean) => [
      handlerOf('quick', async () => {
        quickStarted.resolve();
        await delay(100);
        return undefined;
      }),
      handlerOf('stuck', (_payload, { signal, attempt }) => {
        if (!hangs) return Promise.resolve({ attempt });
        started.resolve();
        return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      }),
    ];
    const stop = await startWorker(await engine.another(), kinds(true), 500);
    const { taskIds } = await createJob(engine.foundation, [{ kind: 'quick' }, { kind: 'stuck', maxAttempts: 1 }]);
    await started.promise;
    await quickStarted.promise;
    await stop();
    expect(await engine.foundation.services.taskStore.getTask(taskIds[0]!)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await engine.foundation.services.taskStore.getTask(taskIds[1]!)).toMatchObject({
      status: 'AVAILABLE',
      attemptsCounted: 0,
    });
    const stopSecond = await startWorker(await engine.another(), kinds(false));
    expect(await untilStatus(engine.foundation, taskIds[1]!, 'SUCCEEDED')).toMatchObject({ result: { attempt: 1 } });
    expect(await attemptsOf(taskIds[1]!)).toEqual([
      [1, 'RETURNED'],
      [2, 'SUCCEEDED'],
    ]);
    await stopSecond();
  });

  it('loses nothing when its connections to the database break, again and again', async () => {
    let runs = 0;
    const stop = await startWorker(await engine.another(), [
      handlerOf(
        'shaken',
        async () => {
          runs += 1;
          await delay(30);
          return undefined;
        },
        { concurrency: 10, leaseSeconds: 2 },
      ),
    ]);
    const { jobId, taskIds } = await createJob(
      engine.foundation,
      Array.from({ length: 100 }, () => ({ kind: 'shaken', maxAttempts: 50 })),
    );
    const client = new Client({ connectionString: engine.database.url });
    await client.connect();
    for (let round = 0; round < 8; round++) {
      await client.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
      );
      await delay(40);
    }
    await client.end();
    for (const id of taskIds) await expect.poll(() => statusOf(id), { timeout: 20_000 }).toBe('SUCCEEDED');
    expect(runs).toBeGreaterThanOrEqual(100);
    expect(await engine.foundation.services.findJob(producer, jobId)).toMatchObject({ status: 'SUCCEEDED' });
    await stop();
  });

  it('asks the database nothing while it is idle', async () => {
    const idle = await engine.another();
    const stop = await startWorker(idle, [handlerOf('seldom', async () => undefined)]);
    const { taskIds } = await createJob(engine.foundation, [{ kind: 'seldom' }]);
    await untilStatus(engine.foundation, taskIds[0]!, 'SUCCEEDED');
    await delay(200); // the slot stands in line again
    const statements = vi.spyOn(idle.shard, 'run');
    await delay(1_500);
    expect(statements.mock.calls.map(([statement]) => statement.name)).toEqual([]);
    const again = await createJob(engine.foundation, [{ kind: 'seldom' }]);
    await untilStatus(engine.foundation, again.taskIds[0]!, 'SUCCEEDED');
    // The reconciler may look at the very moment when the item is ready, and have the rows searched once more.
    const names = statements.mock.calls
      .map(([statement]) => statement.name)
      .filter((name) => name !== 'return-expired');
    expect(names).toEqual(['claim-tasks', 'finish-tasks']);
    await stop();
  });

  it('leaves a paused kind alone, and goes on when it is resumed', async () => {
    let runs = 0;
    const stop = await startWorker(await engine.another(), [
      handlerOf('halted', async () => {
        runs += 1;
        return undefined;
      }),
    ]);
    const first = await createJob(engine.foundation, [{ kind: 'halted' }]);
    await untilStatus(engine.foundation, first.taskIds[0]!, 'SUCCEEDED');
    const pool = await engine.foundation.shard.pool();
    await pool.query(`update topics set paused_at = clock_timestamp() where name = 'halted'`);
    const { taskIds } = await createJob(engine.foundation, [{ kind: 'halted' }]);
    await delay(500);
    expect(runs).toBe(1);
    await pool.query(`update topics set paused_at = null where name = 'halted'`);
    await untilStatus(engine.foundation, taskIds[0]!, 'SUCCEEDED');
    await stop();
  });

  it('goes on without NATS, slower', async () => {
    const stop = await startWorker(await engine.another(), [handlerOf('outage', async () => ({ ran: true }))]);
    await engine.nats.stop();
    const { taskIds } = await createJob(engine.foundation, [{ kind: 'outage' }]);
    await untilStatus(engine.foundation, taskIds[0]!, 'SUCCEEDED');
    await stop();
  });
});
