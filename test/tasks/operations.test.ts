import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestEngine } from '../support/engine.ts';
import { actor, startEngine } from '../support/engine.ts';
import { handlerOf } from './handler-of.ts';
import { createJob, producer, startWorker, supervisor, untilStatus } from './task-engine.ts';

let engine: TestEngine;
let healed = false;
const ran: string[] = [];
beforeAll(async () => {
  engine = await startEngine();
  await engine.startScheduler();
  const run = (kind: string, works: () => boolean) =>
    handlerOf(kind, async (_payload, { taskId }) => {
      ran.push(taskId);
      if (!works()) throw new Error('not today');
      return undefined;
    });
  await startWorker(await engine.another(), [run('good', () => true), run('bad', () => healed)]);
});
afterAll(() => engine.stop());

const services = () => engine.foundation.services;

describe('retrying by hand', () => {
  it('runs only the task that failed, of three, and once for a double click', async () => {
    healed = false;
    const { jobId, taskIds } = await createJob(engine.foundation, [
      { kind: 'good' },
      { kind: 'bad', priority: 9, maxAttempts: 2 },
      { kind: 'good' },
    ]);
    await untilStatus(engine.foundation, taskIds[1]!, 'FAILED');
    for (const id of [taskIds[0]!, taskIds[2]!]) await untilStatus(engine.foundation, id, 'SUCCEEDED');
    expect((await services().findJob(producer, jobId)).status).toBe('PARTIALLY_FAILED');
    healed = true;
    ran.length = 0;
    const retry = (input: object = {}) =>
      services().retryFailedTasks(supervisor, { jobId, reason: 'the mail server is back', ...input });
    expect(await retry({ kinds: ['good'] })).toEqual({ kind: 'retried', tasks: [] });
    const results = await Promise.all([retry(), retry(), retry()]);
    const retried = results.flatMap((result) => (result.kind === 'retried' ? result.tasks : []));
    expect(retried.map((task) => [task.id, task.priority])).toEqual([[taskIds[1], 9]]);
    expect(await untilStatus(engine.foundation, taskIds[1]!, 'SUCCEEDED')).toMatchObject({
      priority: 9,
      attemptsCounted: 1,
    });
    expect(ran).toEqual([taskIds[1]]);
    expect((await services().findJob(producer, jobId)).status).toBe('SUCCEEDED');
    const history = await services().taskHistory(taskIds[1]!, 100, null);
    expect(history.events.filter((event) => event.type === 'RETRIED')).toMatchObject([
      { actor: 'sue', reason: 'the mail server is back' },
    ]);
    const attempts = await services().taskStore.attemptsOf(taskIds[1]!);
    expect(attempts.map((attempt) => attempt.outcome)).toEqual(['FAILED', 'FAILED', 'SUCCEEDED']);
  });

  it('refuses a task that waits or has succeeded, and who may not', async () => {
    const { taskIds } = await createJob(engine.foundation, [{ kind: 'good' }, { kind: 'unknown' }]);
    await untilStatus(engine.foundation, taskIds[0]!, 'SUCCEEDED');
    const retry = (taskId: string, who = supervisor) => services().retryTask(who, { taskId });
    expect(await retry(taskIds[0]!)).toEqual({ kind: 'notRetryable', status: 'SUCCEEDED' });
    expect(await retry(taskIds[1]!)).toEqual({ kind: 'notRetryable', status: 'AVAILABLE' });
    await expect(retry(taskIds[0]!, producer)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    const stranger = { ...actor('sid', 'supervisor'), namespace: 'other' };
    await expect(retry(taskIds[0]!, stranger)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('cancelling', () => {
  it('ends waiting tasks of a job, and a retry puts one back', async () => {
    const { jobId, taskIds } = await createJob(engine.foundation, [
      { kind: 'idle' },
      { kind: 'idle', runAt: new Date(Date.now() + 3_600_000) },
      { kind: 'good' },
    ]);
    await untilStatus(engine.foundation, taskIds[2]!, 'SUCCEEDED');
    const one = await services().cancelTask(supervisor, { taskId: taskIds[0]!, reason: 'ordered twice' });
    expect(one).toMatchObject({ kind: 'cancelled', tasks: [{ id: taskIds[0], status: 'CANCELLED' }] });
    const rest = await services().cancelJob(supervisor, { jobId });
    expect(rest).toMatchObject({ kind: 'cancelled', tasks: [{ id: taskIds[1], status: 'CANCELLED' }] });
    expect(await services().cancelJob(supervisor, { jobId })).toEqual({ kind: 'notCancellable' });
    expect((await services().findJob(producer, jobId)).status).toBe('SUCCEEDED');
    expect(await services().retryTask(supervisor, { taskId: taskIds[0]! })).toMatchObject({
      kind: 'retried',
      tasks: [{ status: 'AVAILABLE' }],
    });
    const history = await services().taskHistory(taskIds[0]!, 10, null);
    expect(history.events.map((event) => [event.type, event.reason])).toEqual([
      ['CREATED', null],
      ['CANCELLED', 'ordered twice'],
      ['RETRIED', null],
    ]);
  });

  it('stops a running handler at its next heartbeat, and what it says counts no more', async () => {
    const started = Promise.withResolvers<void>();
    const stopped = Promise.withResolvers<void>();
    const stop = await startWorker(await engine.another(), [
      handlerOf(
        'cancelled',
        (_payload, { signal }) => {
          started.resolve();
          return new Promise((resolve) => {
            signal.addEventListener('abort', () => {
              stopped.resolve();
              resolve({ done: true });
            });
          });
        },
        { leaseSeconds: 1 },
      ),
    ]);
    const { jobId, taskIds } = await createJob(engine.foundation, [{ kind: 'cancelled' }]);
    await started.promise;
    expect(await services().cancelTask(supervisor, { taskId: taskIds[0]! })).toMatchObject({ kind: 'cancelled' });
    await stopped.promise;
    await stop();
    expect(await services().findTask(producer, taskIds[0]!)).toMatchObject({ status: 'CANCELLED', result: null });
    expect((await services().findJob(producer, jobId)).status).toBe('CANCELLED');
    expect(await services().taskStore.attemptsOf(taskIds[0]!)).toMatchObject([{ outcome: 'CANCELLED' }]);
  });
});

describe('lists', () => {
  it('filter and go on page by page, newest first', async () => {
    healed = false;
    const made: string[] = [];
    for (let index = 0; index < 5; index++) {
      const { taskIds } = await createJob(engine.foundation, [{ kind: 'listed' }, { kind: 'bad', maxAttempts: 1 }], {
        kind: 'list',
        externalId: `no-${index % 2}`,
      });
      made.push(taskIds[0]!);
      await untilStatus(engine.foundation, taskIds[1]!, 'FAILED');
    }
    const seen: string[] = [];
    let after: string | null = null;
    do {
      const page = await services().listTasks(producer, {
        namespace: 'acme',
        filter: { kind: ['listed'] },
        first: 2,
        after,
      });
      seen.push(...page.edges.map((edge) => edge.node.id));
      after = page.hasNextPage ? page.edges.at(-1)!.cursor : null;
    } while (after !== null);
    expect(seen).toEqual(made.toReversed());
    const failed = await services().listTasks(producer, {
      namespace: 'acme',
      filter: { status: ['FAILED'], kind: ['bad'] },
      first: 100,
    });
    expect(failed.edges.length).toBeGreaterThanOrEqual(5);
    const jobs = await services().listJobs(producer, {
      namespace: 'acme',
      filter: { kind: ['list'], externalId: 'no-0', status: ['OPEN'] },
      first: 10,
    });
    expect(jobs.edges).toHaveLength(3);
    const kinds = await services().listTaskKinds(producer, 'acme');
    expect(kinds.find((kind) => kind.kind === 'listed')).toEqual({
      kind: 'listed',
      scheduled: 0,
      available: 5,
      running: 0,
      retryable: 0,
      failed: 0,
    });
    await expect(
      services().listTasks(producer, { namespace: 'acme', first: 2, after: 'nonsense' }),
    ).rejects.toMatchObject({ code: 'BAD_USER_INPUT', field: 'after' });
  });
});
