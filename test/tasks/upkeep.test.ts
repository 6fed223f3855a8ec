import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pruneFinishedJobs } from '../../src/tasks/prune-jobs.ts';
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

describe('attempts that are used up', () => {
  it('are noticed when the last lease ends, without anybody who asks for the task', async () => {
    const { taskIds } = await createJob(engine.foundation, [
      { kind: 'abandoned', maxAttempts: 1 },
      { kind: 'after', dependsOn: ['0'], onDependencyFailure: 'RUN' },
    ]);
    const worker = actor('robot', 'consumer');
    await services().claimTasks(worker, { namespace: 'acme', kinds: ['abandoned'], leaseSeconds: 1 }, never);
    expect(await untilStatus(engine.foundation, taskIds[0]!, 'FAILED')).toMatchObject({
      error: 'All 1 attempts are used up; the last worker was lost',
      attemptsCounted: 1,
    });
    expect(await services().taskStore.attemptsOf(taskIds[0]!)).toMatchObject([
      { number: 1, worker: 'robot', outcome: 'LOST' },
    ]);
    expect((await services().findTask(producer, taskIds[1]!)).status).toBe('AVAILABLE');
    // Its ticket is gone with it; the other task's is there.
    const tickets = async (kind: string) =>
      (await engine.foundation.tickets.countTickets('tasks')).find((count) => count.topic === kind)?.tickets ?? 0;
    await expect.poll(() => tickets('abandoned'), { timeout: 15_000 }).toBe(0);
    await expect.poll(() => tickets('after')).toBe(1);
    expect(await services().retryTask(supervisor, { taskId: taskIds[0]! })).toMatchObject({ kind: 'retried' });
  });
});

describe('pruning', () => {
  it('removes old jobs with all that belongs to them, and no other', async () => {
    const finish = async (kind: string) => {
      const made = await createJob(engine.foundation, [{ kind }, { kind, dependsOn: ['0'] }]);
      for (const taskId of made.taskIds) await services().cancelTask(supervisor, { taskId });
      return made;
    };
    const old = await finish('old');
    const young = await finish('young');
    const open = await createJob(engine.foundation, [{ kind: 'open' }]);
    const back = await finish('back');
    await services().retryTask(supervisor, { taskId: back.taskIds[0]! });
    const pool = await engine.foundation.shard.pool();
    await pool.query(
      `update tasks set finished_at = finished_at - interval '3 days' where job_id = any ($1::uuid[]) and outcome is not null`,
      [[old.jobId, back.jobId]],
    );
    const later = Date.now() + 3 * 86_400_000;
    expect(await pruneFinishedJobs(engine.foundation.shard, 2, later, engine.foundation.log)).toBe(1);
    await expect(services().findJob(producer, old.jobId)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const left = await pool.query(
      `select (select count(*)::integer from tasks where job_id = $1) as tasks,
              (select count(*)::integer from task_dependencies where task_id = any ($2::uuid[])) as edges,
              (select count(*)::integer from events where item_id = any ($2::uuid[])) as events`,
      [old.jobId, old.taskIds],
    );
    expect(left.rows).toEqual([{ tasks: 0, edges: 0, events: 0 }]);
    for (const { jobId } of [young, open, back]) expect(await services().findJob(producer, jobId)).toBeDefined();
  });
});
