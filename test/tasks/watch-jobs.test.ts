import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobUpdate } from '../../src/tasks/watch-jobs.ts';
import type { TestEngine } from '../support/engine.ts';
import { actor, bob, startEngine } from '../support/engine.ts';
import { handlerOf } from './handler-of.ts';
import { createJob, producer, startWorker, supervisor } from './task-engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  await engine.startScheduler();
  await startWorker(await engine.another(), [
    handlerOf('watched', async ({ fails }) => {
      if (fails === true) throw new Error('as asked');
      return undefined;
    }),
  ]);
});
afterAll(() => engine.stop());

async function take(updates: AsyncIterable<JobUpdate>, count: number): Promise<JobUpdate[]> {
  const taken: JobUpdate[] = [];
  for await (const update of updates) {
    taken.push(update);
    if (taken.length === count) break;
  }
  return taken;
}

const watch = (more: object = {}, who = supervisor) =>
  engine.foundation.services.watchJobs(who, { namespace: 'acme', ...more });

describe('jobUpdated', () => {
  it('tells what happens to tasks, in order, with task and job', async () => {
    const updates = await watch();
    const { jobId, taskIds } = await createJob(engine.foundation, [
      { kind: 'watched', payload: { fails: true }, maxAttempts: 1 },
    ]);
    const seen = await take(updates, 3);
    expect(seen.map((update) => [update.type, update.task?.id, update.job?.id])).toEqual([
      ['CREATED', taskIds[0], jobId],
      ['CLAIMED', taskIds[0], jobId],
      ['FAILED', taskIds[0], jobId],
    ]);
    expect(seen[0]?.actor).toBe('paul');
    expect(seen[2]).toMatchObject({ task: { status: 'FAILED' }, job: { status: 'FAILED' } });
  });

  it('keeps to one job, and goes on after a cursor', async () => {
    const { jobId } = await createJob(engine.foundation, [{ kind: 'watched' }, { kind: 'nobody-runs-this' }]);
    await createJob(engine.foundation, [{ kind: 'watched' }]);
    const origin = Buffer.from('0:0.0').toString('base64url');
    const all = await take(await watch({ jobId, after: origin }), 4);
    expect(all.map((update) => update.type).sort()).toEqual(['CLAIMED', 'CREATED', 'CREATED', 'SUCCEEDED']);
    const resumed = await watch({ jobId, after: all[1]?.cursor });
    const live = take(resumed, 3);
    await createJob(engine.foundation, [{ kind: 'watched' }]);
    await engine.foundation.services.cancelJob(supervisor, { jobId });
    expect((await live).map((update) => update.type)).toEqual([
      ...all.slice(2).map((update) => update.type),
      'CANCELLED',
    ]);
  });

  it('is for those who may see jobs, in their namespace', async () => {
    const { jobId } = await createJob(engine.foundation, [{ kind: 'watched' }]);
    await expect(watch({}, bob)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(watch({ namespace: 'other' }, producer)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    const eve = { ...actor('eve', 'supervisor'), namespace: 'other' };
    await expect(watch({ namespace: 'other', jobId }, eve)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
