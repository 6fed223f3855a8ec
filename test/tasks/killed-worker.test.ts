import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestEngine } from '../support/engine.ts';
import { startEngine, testSecret } from '../support/engine.ts';
import type { RunningModule } from '../support/run-module.ts';
import { runModule } from '../support/run-module.ts';
import { uniqueDirectory } from '../support/servers.ts';
import { handlerOf } from './handler-of.ts';
import { createJob, producer, startWorker, untilStatus } from './task-engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  await engine.startScheduler();
});
afterAll(() => engine.stop());

const program = new URL('./worker-process.ts', import.meta.url);

const source = (file: string): string => JSON.stringify(fileURLToPath(new URL(`../../src/${file}`, import.meta.url)));

const environment = (crashAt?: string) => ({
  PATH: process.env.PATH,
  DATABASE_URLS: engine.database.url,
  NATS_URL: engine.nats.url,
  AUTH_SECRET: testSecret,
  BLOB_URL: `fs:${uniqueDirectory('worker-blobs')}`,
  CASELOAD_CRASH_AT: crashAt,
});

function startProcess(crashAt?: string): RunningModule {
  return runModule(`await import(${JSON.stringify(fileURLToPath(program))});`, environment(crashAt));
}

const attemptsOf = async (taskId: string) =>
  (await engine.foundation.services.taskStore.attemptsOf(taskId)).map((attempt) => [attempt.number, attempt.outcome]);

describe('a worker that is killed', () => {
  it('loses its task to another one, and its attempt counts', async () => {
    const { taskIds } = await createJob(engine.foundation, [{ kind: 'hang', priority: 3 }]);
    const killed = startProcess();
    await killed.firstLine;
    await killed.printed(`runs ${taskIds[0]}`);
    expect(await engine.foundation.services.taskStore.getTask(taskIds[0]!)).toMatchObject({ status: 'RUNNING' });
    killed.child.kill('SIGKILL');
    await killed.exited;
    const stop = await startWorker(await engine.another(), [
      handlerOf('hang', async (_, { attempt }) => ({ attempt })),
    ]);
    expect(await untilStatus(engine.foundation, taskIds[0]!, 'SUCCEEDED')).toMatchObject({
      result: { attempt: 2 },
      attemptsCounted: 2,
      priority: 3,
    });
    expect(await attemptsOf(taskIds[0]!)).toEqual([
      [1, 'LOST'],
      [2, 'SUCCEEDED'],
    ]);
    await stop();
  });

  it('by its own task, again and again, ends that task as failed', async () => {
    const { taskIds } = await createJob(engine.foundation, [{ kind: 'crash', maxAttempts: 2 }]);
    for (let round = 0; round < 2; round++) await startProcess().exited;
    const survivor = startProcess();
    const task = await untilStatus(engine.foundation, taskIds[0]!, 'FAILED');
    expect(task.error).toMatch(/All 2 attempts are used up/);
    expect(await attemptsOf(taskIds[0]!)).toEqual([
      [1, 'LOST'],
      [2, 'LOST'],
    ]);
    survivor.child.kill('SIGTERM');
    await survivor.exited;
  });

  it('between the commit and the ticket has done its task, and leaves nothing behind', async () => {
    const { taskIds } = await createJob(engine.foundation, [{ kind: 'steady' }]);
    await startProcess('finish_after_commit').exited;
    const { taskStore } = engine.foundation.services;
    expect(await taskStore.getTask(taskIds[0]!)).toMatchObject({ status: 'SUCCEEDED', attemptsCounted: 1 });
    const next = startProcess();
    const after = await createJob(engine.foundation, [{ kind: 'steady' }]);
    await untilStatus(engine.foundation, after.taskIds[0]!, 'SUCCEEDED');
    // The ticket of the first comes back when its lease would have ended, and is acked away.
    await expect
      .poll(
        async () => (await engine.foundation.tickets.countTickets('tasks')).find(({ topic }) => topic === 'steady'),
        {
          timeout: 15_000,
        },
      )
      .toBeUndefined();
    expect(await attemptsOf(taskIds[0]!)).toEqual([[1, 'SUCCEEDED']]);
    next.child.kill('SIGKILL');
    await next.exited;
  });
});

describe('a producer that is killed between the commit and the tickets', () => {
  it('has created its job, whole, and it runs', async () => {
    const killed = runModule(
      `const { compose } = await import(${source('compose.ts')});
       const { readConfig } = await import(${source('config.ts')});
       const { createLogger } = await import(${source('log.ts')});
       const foundation = await compose(readConfig(process.env), createLogger('test', 'fatal'), 'test');
       const producer = { subject: 'paul', namespace: 'acme', roles: new Set(['producer']), expiresAtSeconds: undefined };
       await foundation.services.createJob(producer, {
         namespace: 'acme', kind: 'cut-off', tasks: [{ kind: 'orphan' }, { kind: 'orphan' }], idempotencyKey: 'cut-off',
       });`,
      environment('create_job_after_commit'),
    );
    await killed.exited;
    const stop = await startWorker(await engine.another(), [handlerOf('orphan', async () => undefined)]);
    const jobs = () =>
      engine.foundation.services.listJobs(producer, { namespace: 'acme', filter: { kind: ['cut-off'] }, first: 10 });
    const [made] = (await jobs()).edges;
    // The producer asks again, as it has to, and finds what it made.
    const again = await createJob(engine.foundation, [{ kind: 'orphan' }, { kind: 'orphan' }], {
      kind: 'cut-off',
      idempotencyKey: 'cut-off',
    });
    expect(again.jobId).toBe(made?.node.id);
    for (const id of again.taskIds) await untilStatus(engine.foundation, id, 'SUCCEEDED');
    expect((await jobs()).edges).toHaveLength(1);
    await stop();
  });
});
