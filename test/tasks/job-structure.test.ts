import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TaskInput } from '../../src/tasks/job-input.ts';
import type { TestEngine } from '../support/engine.ts';
import { startEngine } from '../support/engine.ts';
import { handlerOf } from './handler-of.ts';
import { createJob, producer, startWorker, supervisor, untilStatus } from './task-engine.ts';

let engine: TestEngine;
let healed = false;
const ran: string[] = [];
const gate = Promise.withResolvers<void>();
const entered = Promise.withResolvers<void>();
beforeAll(async () => {
  engine = await startEngine();
  await engine.startScheduler();
  await startWorker(await engine.another(), [
    handlerOf('step', async ({ mark }) => {
      ran.push(String(mark));
      return undefined;
    }),
    handlerOf('brittle', async () => {
      if (!healed) throw new Error('not yet');
      return undefined;
    }),
    handlerOf('held', async () => {
      entered.resolve();
      await gate.promise;
      return undefined;
    }),
  ]);
});
afterAll(() => engine.stop());

const services = () => engine.foundation.services;
const hour = () => new Date(Date.now() + 3_600_000);
const create = (tasks: readonly TaskInput[], more: object = {}) =>
  services().createJob(producer, { namespace: 'acme', kind: 'order', tasks, ...more });
const statusOf = async (id: string) => (await services().findTask(producer, id)).status;
const step = (mark: string, more: object = {}): TaskInput => ({ kind: 'step', payload: { mark }, ...more });

describe('unique keys', () => {
  const keyed = (uniqueKey: string, more: object = {}): TaskInput => ({ kind: 'idle', uniqueKey, ...more });

  it('let one of many in at the same time, and the next one when that has ended', async () => {
    const results = await Promise.all(Array.from({ length: 8 }, () => create([{ kind: 'x' }, keyed('one')])));
    const made = results.filter((result) => result.kind === 'created');
    expect(made).toHaveLength(1);
    const [, task] = made[0]!.tasks;
    const refused = results.filter((result) => result.kind === 'keyTaken');
    expect(refused.map((result) => [result.place, result.task.id])).toEqual(
      Array.from({ length: 7 }, () => [1, task!.id]),
    );
    // What was refused left nothing behind.
    const jobs = await services().listJobs(producer, { namespace: 'acme', first: 100 });
    expect(jobs.edges).toHaveLength(1);
    expect((await create([{ kind: 'other', uniqueKey: 'one' }])).kind).toBe('created');
    await services().cancelTask(supervisor, { taskId: task!.id });
    const next = await create([keyed('one')]);
    expect(next.kind).toBe('created');
    // The first one cannot come back while its key is held.
    expect(await services().retryTask(supervisor, { taskId: task!.id })).toEqual({
      kind: 'notRetryable',
      status: 'CANCELLED',
    });
  });

  it('give the existing task back, with its job when there is nothing else to do', async () => {
    const first = await createJob(engine.foundation, [keyed('two')]);
    const rule = { onConflict: 'RETURN_EXISTING' } as const;
    const again = await create([keyed('two', rule)], { idempotencyKey: 'again' });
    expect(again).toMatchObject({
      kind: 'created',
      job: { id: first.jobId },
      tasks: [],
      existing: [{ id: first.taskIds[0] }],
    });
    expect(await create([keyed('two', rule)], { idempotencyKey: 'again' })).toMatchObject({
      job: { id: first.jobId },
    });
    const mixed = await create([{ kind: 'idle' }, keyed('two', rule)]);
    expect(mixed).toMatchObject({ kind: 'created', tasks: [{ kind: 'idle' }], existing: [{ id: first.taskIds[0] }] });
    expect(mixed.kind === 'created' && mixed.job.id).not.toBe(first.jobId);
  });

  it('replace a waiting task, at its own time or at the old one', async () => {
    const runAt = hour();
    const first = await createJob(engine.foundation, [keyed('three', { runAt, payload: { a: 1 } })]);
    const kept = await create([keyed('three', { onConflict: 'KEEP_TIME', payload: { a: 2 } })]);
    expect(kept).toMatchObject({ tasks: [{ status: 'SCHEDULED', runAt, payload: { a: 2 } }] });
    expect(await statusOf(first.taskIds[0]!)).toBe('CANCELLED');
    const replaced = await create([keyed('three', { onConflict: 'REPLACE' })]);
    expect(replaced).toMatchObject({ tasks: [{ status: 'AVAILABLE' }] });
    const keptId = kept.kind === 'created' ? kept.tasks[0]!.id : '';
    const history = await services().taskHistory(keptId, 10, null);
    expect(history.events.at(-1)).toMatchObject({ type: 'CANCELLED', actor: 'paul' });
    expect(history.events.at(-1)!.reason).toMatch(/^replaced by /);
  });

  it('let a running task end beside the one that replaces it', async () => {
    const first = await createJob(engine.foundation, [{ kind: 'held', uniqueKey: 'four' }]);
    await entered.promise;
    const second = await create([{ kind: 'held', uniqueKey: 'four', onConflict: 'REPLACE' }]);
    gate.resolve();
    await untilStatus(engine.foundation, first.taskIds[0]!, 'SUCCEEDED');
    if (second.kind !== 'created') throw new Error(second.kind);
    await untilStatus(engine.foundation, second.tasks[0]!.id, 'SUCCEEDED');
  });

  it('are held for a time after the end, when that is asked for', async () => {
    const { taskIds } = await createJob(engine.foundation, [step('once', { uniqueKey: 'five' })]);
    await untilStatus(engine.foundation, taskIds[0]!, 'SUCCEEDED');
    expect(await create([step('twice', { uniqueKey: 'five', uniqueSeconds: 3_600 })])).toMatchObject({
      kind: 'keyTaken',
      task: { id: taskIds[0], status: 'SUCCEEDED' },
    });
    expect((await create([step('twice', { uniqueKey: 'five' })])).kind).toBe('created');
  });

  it('survive a retry by filter: of two with one key one comes back', async () => {
    const ids: string[] = [];
    for (let index = 0; index < 2; index++) {
      const { taskIds } = await createJob(engine.foundation, [{ kind: 'brittle', maxAttempts: 1, uniqueKey: 'six' }]);
      ids.push((await untilStatus(engine.foundation, taskIds[0]!, 'FAILED')).id);
    }
    const result = await services().retryTasks(supervisor, {
      namespace: 'acme',
      filter: { kind: ['brittle'] },
      limit: 10,
      dryRun: false,
    });
    expect(result.kind === 'retried' && result.tasks.map((task) => task.id)).toEqual([ids[1]]);
  });
});

describe('dependencies', () => {
  it('run the tasks of a job in their order, and only those that wait for each other', async () => {
    ran.length = 0;
    const { taskIds, tasks } = await createJob(engine.foundation, [
      step('last', { dependsOn: ['middle', '2'] }),
      step('middle', { name: 'middle', dependsOn: ['first'] }),
      step('side'),
      step('first', { name: 'first', runAt: new Date(Date.now() + 300) }),
    ]);
    expect(tasks.map((task) => task.status)).toEqual(['SCHEDULED', 'SCHEDULED', 'AVAILABLE', 'SCHEDULED']);
    expect((await services().taskStore.dependenciesOf(taskIds[0]!)).map((task) => task.id)).toEqual([
      taskIds[1],
      taskIds[2],
    ]);
    await untilStatus(engine.foundation, taskIds[0]!, 'SUCCEEDED');
    expect(ran).toEqual(['side', 'first', 'middle', 'last']);
    expect(await services().taskStore.tasksOf(tasks[0]!.jobId)).toMatchObject(
      Array.from({ length: 4 }, () => ({ status: 'SUCCEEDED', waitsFor: 0 })),
    );
  });

  it('release a task once when all that it waits for end at the same time', async () => {
    ran.length = 0;
    const many = Array.from({ length: 20 }, (_, index) => step(`part ${index}`));
    const { taskIds } = await createJob(engine.foundation, [
      ...many,
      step('sum', { dependsOn: many.map((_, index) => String(index)) }),
    ]);
    await untilStatus(engine.foundation, taskIds[20]!, 'SUCCEEDED');
    expect(ran).toHaveLength(21);
    expect(ran.at(-1)).toBe('sum');
  });

  it('follow the rule for what fails: wait for the retry, be cancelled with all that follows, or run', async () => {
    healed = false;
    const { jobId, taskIds } = await createJob(engine.foundation, [
      { kind: 'brittle', maxAttempts: 1 },
      step('waits', { dependsOn: ['0'] }),
      step('cancelled', { dependsOn: ['0'], onDependencyFailure: 'CANCEL' }),
      step('cancelled, too', { dependsOn: ['2'], onDependencyFailure: 'CANCEL' }),
      step('runs', { dependsOn: ['3'], onDependencyFailure: 'RUN' }),
    ]);
    await untilStatus(engine.foundation, taskIds[4]!, 'SUCCEEDED');
    const statuses = async () => (await services().taskStore.tasksOf(jobId)).map((task) => task.status);
    expect(await statuses()).toEqual(['FAILED', 'SCHEDULED', 'CANCELLED', 'CANCELLED', 'SUCCEEDED']);
    expect(await services().findTask(producer, taskIds[3]!)).toMatchObject({
      error: 'A task that it waited for did not succeed',
    });
    // Neither its time nor a retry by hand lets a task run before those that it waits for.
    await services().updateTask(supervisor, { taskId: taskIds[1]!, runAt: new Date(0) });
    await services().cancelTask(supervisor, { taskId: taskIds[1]! });
    expect(await services().retryTask(supervisor, { taskId: taskIds[1]! })).toMatchObject({
      tasks: [{ status: 'SCHEDULED', waitsFor: 1, nextRunAt: null }],
    });
    healed = true;
    await services().retryFailedTasks(supervisor, { jobId });
    await untilStatus(engine.foundation, taskIds[1]!, 'SUCCEEDED');
  });

  it('are cancelled with their job', async () => {
    const { jobId, taskIds } = await createJob(engine.foundation, [
      { kind: 'idle' },
      step('never', { dependsOn: ['0'] }),
      step('never', { dependsOn: ['0'], onDependencyFailure: 'RUN' }),
    ]);
    expect(await services().cancelJob(supervisor, { jobId })).toMatchObject({ kind: 'cancelled' });
    for (const id of taskIds) expect(await statusOf(id)).toBe('CANCELLED');
  });

  it.each([
    ['a ring', [step('a', { dependsOn: ['1'] }), step('b', { dependsOn: ['0'] })], 'input.tasks.0.dependsOn'],
    ['itself', [step('a', { name: 'a', dependsOn: ['a'] })], 'input.tasks.0.dependsOn.0'],
    ['nothing', [step('a', { dependsOn: ['b'] })], 'input.tasks.0.dependsOn.0'],
    ['a name twice', [step('a', { name: 'a' }), step('b', { name: 'a' })], 'input.tasks.1.name'],
    ['a number for a name', [step('a', { name: '7' })], 'input.tasks.0.name'],
    ['a key twice', [step('a', { uniqueKey: 'k' }), step('b', { uniqueKey: 'k' })], 'input.tasks.1.uniqueKey'],
    ['a rule without a key', [step('a', { onConflict: 'REPLACE' })], 'input.tasks.0.uniqueKey'],
    [
      'an existing task to wait for',
      [step('a', { uniqueKey: 'k', onConflict: 'RETURN_EXISTING' }), step('b', { dependsOn: ['0'] })],
      'input.tasks.0.onConflict',
    ],
  ])('refuse %s', async (_what, tasks, field) => {
    await expect(create(tasks)).rejects.toMatchObject({ code: 'BAD_USER_INPUT', field });
  });
});
