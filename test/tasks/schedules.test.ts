import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestEngine } from '../support/engine.ts';
import { actor, never, startEngine } from '../support/engine.ts';
import { handlerOf } from './handler-of.ts';
import { producer, startWorker, supervisor, untilStatus } from './task-engine.ts';

let engine: TestEngine;
const ran: string[] = [];
beforeAll(async () => {
  engine = await startEngine();
  await engine.startScheduler();
  for (let worker = 0; worker < 2; worker++)
    await startWorker(await engine.another(), [
      handlerOf('tick', async (_payload, { taskId }) => {
        ran.push(taskId);
        return undefined;
      }),
    ]);
});
afterAll(() => engine.stop());

const services = () => engine.foundation.services;
const upsert = (name: string, more: object = {}, who = producer) =>
  services().upsertTaskSchedule(who, { namespace: 'acme', name, kind: 'tick', every: 'PT1S', ...more });
const find = async (name: string) =>
  (await services().listTaskSchedules(producer, 'acme')).find((schedule) => schedule.name === name)!;
const hold = (name: string, reason: string | null = null) => ({ namespace: 'acme', name, reason });
const runsOf = async (name: string) =>
  (await services().listTasks(producer, { namespace: 'acme', filter: { externalId: name }, first: 100 })).edges.map(
    (edge) => edge.node,
  );

/** Moves the next run into the past, as if nobody had been there to take it. */
async function makeLate(name: string, seconds: number): Promise<string> {
  const { nextTaskId } = await find(name);
  const pool = await engine.foundation.shard.pool();
  await pool.query(
    `update task_schedules set next_at = date_trunc('second', clock_timestamp()) - make_interval(secs => $2) where name = $1`,
    [name, seconds],
  );
  await services().updateTask(supervisor, { taskId: nextTaskId!, runAt: new Date(0) });
  return nextTaskId!;
}

describe('periodic tasks', () => {
  it('run again and again, each run once, with the next one planned already', async () => {
    ran.length = 0;
    const saved = await upsert('steady', { payload: { a: 1 }, priority: 4 });
    expect(saved).toMatchObject({ savedBy: 'paul', revision: 1, pause: null, catchUp: 'ONE' });
    expect(await services().findTask(producer, saved.nextTaskId!)).toMatchObject({
      status: 'SCHEDULED',
      payload: { a: 1 },
      priority: 4,
      runAt: saved.nextAt,
    });
    await expect.poll(() => ran.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(3);
    await services().pauseTaskSchedule(supervisor, hold('steady', 'enough'));
    const runs = await runsOf('steady');
    const succeeded = runs.filter((run) => run.status === 'SUCCEEDED').map((run) => run.runAt.getTime());
    expect(new Set(succeeded).size).toBe(succeeded.length);
    expect(new Set(ran).size).toBe(ran.length);
    // One stood for the next run, and the pause cancelled it.
    expect(runs.filter((run) => run.status === 'CANCELLED')).toHaveLength(1);
    expect(await find('steady')).toMatchObject({ nextTaskId: null, pause: { by: 'sue', reason: 'enough' } });
  });

  it('are resumed, changed without losing their time, and deleted', async () => {
    await upsert('daily', { every: null, cron: '0 8 * * *', timeZone: 'Europe/Vienna' });
    await services().pauseTaskSchedule(supervisor, hold('daily'));
    const resumed = await services().resumeTaskSchedule(supervisor, hold('daily', 'go on'));
    expect(resumed.pause).toBeNull();
    const planned = resumed.nextAt!;
    expect(planned.getTime()).toBeGreaterThan(Date.now());
    const [first, second] = await Promise.all(
      [1, 2].map((n) => upsert('daily', { every: null, cron: '0 8 * * *', timeZone: 'Europe/Vienna', payload: { n } })),
    );
    const now = await find('daily');
    expect([first!.revision, second!.revision]).toContain(now.revision);
    expect(now.nextAt).toEqual(planned);
    const open = (await runsOf('daily')).filter((run) => run.finishedAt === null);
    expect(open).toMatchObject([{ id: now.nextTaskId, payload: now.payload, runAt: planned }]);
    await services().deleteTaskSchedule(supervisor, hold('daily'));
    expect(await find('daily')).toBeUndefined();
    expect((await runsOf('daily')).every((run) => run.status === 'CANCELLED')).toBe(true);
    await expect(services().deleteTaskSchedule(supervisor, hold('daily'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect((await services().taskScheduleChanges(now)).map((change) => change.action).slice(0, 2)).toEqual([
      'deleted',
      'saved',
    ]);
  });

  it('come late once, or not at all, as their rule says', async () => {
    const minutely = { every: null, cron: '* * * * *' };
    await upsert('once', { ...minutely, catchUp: 'ONE' });
    const once = await makeLate('once', 600);
    await untilStatus(engine.foundation, once, 'SUCCEEDED');
    expect((await find('once')).nextAt!.getTime()).toBeGreaterThan(Date.now() - 1_000);
    await upsert('never', { ...minutely, catchUp: 'NONE' });
    const skipped = await makeLate('never', 600);
    await untilStatus(engine.foundation, skipped, 'CANCELLED');
    expect(ran).not.toContain(skipped);
    expect((await find('never')).nextAt!.getTime()).toBeGreaterThan(Date.now() - 1_000);
    await upsert('each', { ...minutely, catchUp: 'ALL' });
    await makeLate('each', 240);
    await expect
      .poll(async () => (await runsOf('each')).filter((run) => run.status === 'SUCCEEDED').length, { timeout: 15_000 })
      .toBeGreaterThanOrEqual(4);
  });

  it('go on after their next run was cancelled by hand, and leave that one out', async () => {
    const { nextTaskId, nextAt } = await upsert('cancelled', { every: 'PT1H' });
    await services().cancelTask(supervisor, { taskId: nextTaskId! });
    await expect.poll(async () => (await find('cancelled')).nextTaskId, { timeout: 10_000 }).not.toBe(nextTaskId);
    expect((await find('cancelled')).nextAt!.getTime()).toBe(nextAt!.getTime() + 3_600_000);
  });

  it('are followed by one run, whoever takes a run again after its worker died in the middle of planning', async () => {
    const { id, nextTaskId } = await upsert('doubled', { kind: 'outside-tick', every: 'PT1H' });
    const planners = [engine.foundation, await engine.another()].map((one) => one.planners.get(0)!);
    const now = new Date();
    const begins = await Promise.all(
      Array.from({ length: 8 }, (_, turn) => planners[turn % 2]!.begin(id, nextTaskId!, now)),
    );
    expect(begins.every((begin) => begin)).toBe(true);
    const runs = await runsOf('doubled');
    expect(runs.map((run) => run.id).toSorted()).toEqual([nextTaskId, (await find('doubled')).nextTaskId].toSorted());
  });

  it('are planned by workers outside, too, once', async () => {
    const { nextTaskId } = await upsert('outside', { kind: 'outside-tick', every: 'PT1H' });
    await services().updateTask(supervisor, { taskId: nextTaskId!, runAt: new Date(0) });
    const claimed = await services().claimTasks(
      actor('robot', 'consumer'),
      { namespace: 'acme', kinds: ['outside-tick'], waitMs: 10_000 },
      never,
    );
    expect(claimed.tasks.map(({ task }) => task.id)).toEqual([nextTaskId]);
    const open = (await runsOf('outside')).filter((run) => run.status === 'SCHEDULED');
    expect(open.map((run) => run.id)).toEqual([(await find('outside')).nextTaskId]);
  });

  it.each([
    ['two rhythms', { cron: '* * * * *' }, 'input'],
    ['a bad expression', { every: null, cron: 'at noon' }, 'input.cron'],
    ['a bad duration', { every: 'P1M' }, 'input.every'],
    ['a strange zone', { timeZone: 'Mars/Olympus' }, 'input.timeZone'],
    ['a bad name', { name: 'No Name' }, 'input.name'],
    ['a bad payload', { kind: 'webhook', payload: { url: 'ftp://x' } }, 'input.payload.url'],
  ])('refuse %s', async (_what, more, field) => {
    await expect(upsert('bad', more)).rejects.toMatchObject({ code: 'BAD_USER_INPUT', field });
  });

  it('are steered by who may', async () => {
    await expect(upsert('mine', {}, actor('bob', 'auditor'))).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(services().pauseTaskSchedule(producer, hold('steady'))).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(services().listTaskSchedules(producer, 'other')).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(services().pauseTaskSchedule(supervisor, hold('unknown'))).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });
});
