import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { backpressure } from '../../src/domain/errors.ts';
import type { ClaimedTask } from '../../src/tasks/claim-tasks.ts';
import type { TestEngine } from '../support/engine.ts';
import { actor, never, startEngine } from '../support/engine.ts';
import { createJob, producer, supervisor, untilStatus } from './task-engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  await engine.startScheduler();
});
afterAll(() => engine.stop());

const services = () => engine.foundation.services;
const worker = actor('robot', 'consumer');
const claim = (kinds: readonly string[], more: object = {}, who = worker, signal = never) =>
  services().claimTasks(who, { namespace: 'acme', kinds, ...more }, signal);
const leaseOf = ({ task, lease }: ClaimedTask) => ({ namespace: 'acme', taskId: task.id, leaseToken: lease.token });

describe('workers outside', () => {
  it('claim, keep and complete tasks, the best ones first', async () => {
    const { taskIds } = await createJob(engine.foundation, [
      { kind: 'outside', payload: { n: 1 }, priority: 2 },
      { kind: 'outside', payload: { n: 2 }, priority: 1 },
      { kind: 'other' },
    ]);
    const { tasks } = await claim(['outside', 'other'], { count: 3, leaseSeconds: 5 });
    expect(tasks.map(({ task, attempt }) => [task.id, task.status, attempt])).toEqual([
      [taskIds[1], 'RUNNING', 1],
      [taskIds[0], 'RUNNING', 1],
      [taskIds[2], 'RUNNING', 1],
    ]);
    expect(tasks[0]!.task.payload).toEqual({ n: 2 });
    const kept = await services().heartbeatTask(worker, { ...leaseOf(tasks[0]!), leaseSeconds: 100 });
    expect(kept!.expiresAt.getTime()).toBeGreaterThan(tasks[0]!.lease.expiresAt.getTime());
    const done = await services().completeTask(worker, { ...leaseOf(tasks[0]!), result: { sum: 3 } });
    expect(done).toMatchObject({ status: 'SUCCEEDED', result: { sum: 3 } });
    expect(await services().completeTask(worker, leaseOf(tasks[0]!))).toBeUndefined();
    expect(await services().taskStore.attemptsOf(taskIds[1]!)).toMatchObject([{ worker: 'robot' }]);
    expect((await claim(['outside'])).tasks).toEqual([]);
  });

  it('wait for a task that comes', async () => {
    const waiting = claim(['awaited', 'awaited-too'], { waitMs: 20_000, count: 2 });
    await expect.poll(() => engine.foundation.taskClaims.waiting).toBe(1);
    const { taskIds } = await createJob(engine.foundation, [{ kind: 'awaited-too' }]);
    expect((await waiting).tasks.map(({ task }) => task.id)).toEqual(taskIds);
  });

  it('fail tasks, which are tried again, until the last attempt or a fatal error', async () => {
    const { taskIds } = await createJob(engine.foundation, [{ kind: 'frail', maxAttempts: 2 }, { kind: 'doomed' }]);
    const [first] = (await claim(['frail'])).tasks;
    const report = { ...leaseOf(first!), error: 'no paper', retryAfterSeconds: 0 };
    expect(await services().failTask(worker, report)).toMatchObject({ error: 'no paper', attemptsCounted: 1 });
    const [second] = (await claim(['frail'], { waitMs: 10_000 })).tasks;
    expect([second!.task.id, second!.attempt]).toEqual([taskIds[0], 2]);
    expect(await services().failTask(worker, { ...leaseOf(second!), error: 'no ink' })).toMatchObject({
      status: 'FAILED',
      error: 'no ink',
    });
    const [doomed] = (await claim(['doomed'])).tasks;
    expect(await services().failTask(worker, { ...leaseOf(doomed!), error: 'burnt', fatal: true })).toMatchObject({
      status: 'FAILED',
    });
  });

  it('give tasks back without an attempt', async () => {
    await createJob(engine.foundation, [{ kind: 'returned' }]);
    const [first] = (await claim(['returned'])).tasks;
    expect(await services().releaseTask(worker, leaseOf(first!))).toMatchObject({
      status: 'AVAILABLE',
      attemptsCounted: 0,
    });
    const [second] = (await claim(['returned'], { waitMs: 10_000 })).tasks;
    expect(second).toMatchObject({ task: { id: first!.task.id }, attempt: 1 });
  });

  it('can do nothing any more after the lease has ended, nor with the lease of another', async () => {
    await createJob(engine.foundation, [{ kind: 'short' }]);
    const [mine] = (await claim(['short'], { leaseSeconds: 1 })).tasks;
    const other = actor('rival', 'consumer');
    expect(await services().completeTask(other, leaseOf(mine!))).toBeUndefined();
    const [theirs] = (await claim(['short'], { waitMs: 10_000 }, other)).tasks;
    expect(theirs).toMatchObject({ task: { id: mine!.task.id }, attempt: 2 });
    expect(await services().heartbeatTask(worker, leaseOf(mine!))).toBeUndefined();
    expect(await services().completeTask(worker, leaseOf(mine!))).toBeUndefined();
    expect(await services().failTask(worker, { ...leaseOf(mine!), error: 'late' })).toBeUndefined();
    await services().cancelTask(supervisor, { taskId: theirs!.task.id });
    expect(await services().heartbeatTask(other, leaseOf(theirs!))).toBeUndefined();
  });

  it('are not handed a task whose attempts were lost with earlier workers', async () => {
    const { taskIds } = await createJob(engine.foundation, [{ kind: 'killer', maxAttempts: 1 }]);
    expect((await claim(['killer'], { leaseSeconds: 1 })).tasks).toHaveLength(1);
    expect((await claim(['killer'], { waitMs: 3_000 })).tasks).toEqual([]);
    expect(await untilStatus(engine.foundation, taskIds[0]!, 'FAILED')).toMatchObject({
      error: expect.stringMatching(/^All 1 attempts are used up/),
    });
  });

  it('hear which kinds are held back', async () => {
    await createJob(engine.foundation, [{ kind: 'stopped' }]);
    await services().pauseTaskKind(supervisor, { namespace: 'acme', kind: 'stopped', reason: 'a flood' });
    expect(await claim(['stopped'])).toEqual({ tasks: [], heldBackKinds: ['stopped'] });
  });

  it('get nothing when they have gone meanwhile, and leave no lease behind', async () => {
    const { taskIds } = await createJob(engine.foundation, [{ kind: 'orphaned' }]);
    const gone = AbortSignal.abort();
    expect((await claim(['orphaned'], {}, worker, gone)).tasks).toEqual([]);
    expect(await services().findTask(producer, taskIds[0]!)).toMatchObject({ status: 'AVAILABLE', attemptsCounted: 0 });
  });

  it('get what was claimed before a fault, and leave no lease behind after an error', async () => {
    const { taskIds } = await createJob(engine.foundation, [{ kind: 'early' }]);
    const { taskClaims } = engine.foundation;
    const claimBatch = taskClaims.claimBatch.bind(taskClaims);
    const spy = vi.spyOn(taskClaims, 'claimBatch');
    const claimBefore = (error: Error) => {
      spy.mockImplementationOnce(claimBatch).mockRejectedValueOnce(error);
      return claim(['early', 'late'], { count: 2 });
    };
    try {
      await expect(claimBefore(new Error('a defect'))).rejects.toThrow('a defect');
      const [id] = taskIds;
      expect(await services().findTask(producer, id!)).toMatchObject({ status: 'AVAILABLE', attemptsCounted: 0 });
      const { tasks } = await claimBefore(backpressure(1_000));
      expect(tasks).toMatchObject([{ task: { id }, attempt: 1 }]);
    } finally {
      spy.mockRestore();
    }
  });

  it('need the role and a token of the namespace', async () => {
    await expect(claim(['x'], {}, producer)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(claim(['x'], { namespace: 'other' })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(claim([])).rejects.toMatchObject({ code: 'BAD_USER_INPUT', field: 'input.kinds' });
    await expect(claim(['x'], { count: 101 })).rejects.toMatchObject({ field: 'input.count' });
    await expect(claim(['x'], { waitMs: 30_001 })).rejects.toMatchObject({ field: 'input.waitMs' });
    const lease = { namespace: 'acme', taskId: '01a1fb1a-64c8-7000-8000-03a5f31dfca9', leaseToken: 'x' };
    await expect(services().completeTask(worker, lease)).rejects.toMatchObject({ field: 'input.leaseToken' });
  });
});
