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
  await startWorker(await engine.another(), [
    handlerOf('brittle', async () => {
      if (!healed) throw new Error('Disk Full');
      return undefined;
    }),
    handlerOf(
      'slow-to-retry',
      async (_payload, { attempt }) => {
        if (attempt === 1) throw new Error('first');
        return undefined;
      },
      { backoff: { firstMilliseconds: 3_600_000, factor: 1, capMilliseconds: 3_600_000 } },
    ),
    handlerOf(
      'noted',
      async (payload) => {
        ran.push(String(payload.mark));
        return undefined;
      },
      { concurrency: 1 },
    ),
  ]);
});
afterAll(() => engine.stop());

const services = () => engine.foundation.services;
const hour = () => new Date(Date.now() + 3_600_000);

async function trail(taskId: string, type: string): Promise<readonly (string | null)[]> {
  const history = await services().taskHistory(taskId, 100, null);
  return history.events.filter((event) => event.type === type).map((event) => `${event.actor}: ${event.reason}`);
}

describe('retryTasks', () => {
  it('puts back what a filter finds, up to a limit, and shows it first in a dry run', async () => {
    healed = false;
    const made: string[] = [];
    for (let index = 0; index < 4; index++) {
      const { taskIds } = await createJob(engine.foundation, [{ kind: 'brittle', maxAttempts: 1 }], {
        externalId: index === 0 ? 'apart' : 'together',
      });
      made.push(await untilStatus(engine.foundation, taskIds[0]!, 'FAILED').then((task) => task.id));
    }
    const retry = (more: object = {}, who = supervisor) =>
      services().retryTasks(who, {
        namespace: 'acme',
        filter: { kind: ['brittle'], externalId: 'together', error: 'disk full' },
        limit: 100,
        dryRun: false,
        reason: 'a larger disk',
        ...more,
      });
    const wanted = made.slice(1).toReversed();
    const dry = await retry({ dryRun: true, limit: 2 });
    expect(dry).toMatchObject({ kind: 'retried', bulk: { dryRun: true, hasMore: true } });
    expect(dry.kind === 'retried' && dry.tasks.map((task) => task.id)).toEqual(wanted.slice(0, 2));
    expect((await services().findTask(producer, wanted[0]!)).status).toBe('FAILED');
    healed = true;
    const done = await Promise.all([retry(), retry()]);
    const retried = done.flatMap((result) => (result.kind === 'retried' ? result.tasks.map((task) => task.id) : []));
    expect(retried.toSorted()).toEqual(made.slice(1));
    for (const id of made.slice(1)) await untilStatus(engine.foundation, id, 'SUCCEEDED');
    expect((await services().findTask(producer, made[0]!)).status).toBe('FAILED');
    expect(await trail(wanted[0]!, 'RETRIED')).toEqual(['sue: a larger disk']);
    await expect(retry({ limit: 0 })).rejects.toMatchObject({ code: 'BAD_USER_INPUT', field: 'input.limit' });
    await expect(retry({ filter: { status: ['SUCCEEDED'] } })).rejects.toMatchObject({
      field: 'input.filter.status.0',
    });
    await expect(retry({}, producer)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(retry({ namespace: 'other' })).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  it('runs a task now that waits for its next attempt, and counts on', async () => {
    const { taskIds } = await createJob(engine.foundation, [{ kind: 'slow-to-retry' }]);
    await untilStatus(engine.foundation, taskIds[0]!, 'RETRYABLE');
    const retries = await Promise.all([1, 2].map(() => services().retryTask(supervisor, { taskId: taskIds[0]! })));
    expect(retries.map((result) => result.kind).toSorted()).toEqual(['notRetryable', 'retried']);
    expect(await untilStatus(engine.foundation, taskIds[0]!, 'SUCCEEDED')).toMatchObject({ attemptsCounted: 2 });
  });
});

describe('updateTask', () => {
  it('moves a task in the order, gives it another payload and time, and says so in its trail', async () => {
    ran.length = 0;
    const { taskIds } = await createJob(engine.foundation, [
      { kind: 'noted', payload: { mark: 'old' }, runAt: hour(), priority: 3 },
    ]);
    const update = (more: object, who = supervisor) =>
      services().updateTask(who, { taskId: taskIds[0]!, reason: 'the customer calls', ...more });
    expect(await update({ priority: -2, payload: { mark: 'new' } })).toMatchObject({
      kind: 'updated',
      tasks: [{ status: 'SCHEDULED', priority: -2, payload: { mark: 'new' } }],
    });
    expect(await update({ runAt: new Date(0) })).toMatchObject({ kind: 'updated' });
    await untilStatus(engine.foundation, taskIds[0]!, 'SUCCEEDED');
    expect(ran).toEqual(['new']);
    expect(await update({ priority: 1 })).toEqual({ kind: 'notUpdatable', status: 'SUCCEEDED' });
    const said = await trail(taskIds[0]!, 'UPDATED');
    expect(said[0]).toBe('sue: priority -2, was 3; new payload; the customer calls');
    expect(said[1]).toMatch(/^sue: to run at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ; the customer calls$/);
    await expect(update({})).rejects.toMatchObject({ code: 'BAD_USER_INPUT', field: 'input' });
    await expect(update({ priority: 1 }, producer)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    const stranger = { ...actor('sid', 'supervisor'), namespace: 'other' };
    await expect(update({ priority: 1 }, stranger)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('checks the payload of a known kind', async () => {
    const payload = { url: 'https://shop.example/hook', body: {} };
    const { taskIds } = await createJob(engine.foundation, [{ kind: 'webhook', payload, runAt: hour() }]);
    await expect(
      services().updateTask(supervisor, { taskId: taskIds[0]!, payload: { url: 'ftp://x' } }),
    ).rejects.toMatchObject({ code: 'BAD_USER_INPUT', field: 'input.payload.url' });
  });

  it('makes a ready task wait, and takes its ticket away', async () => {
    const { taskIds } = await createJob(engine.foundation, [{ kind: 'nobody' }, { kind: 'nobody' }]);
    const runAt = hour();
    const result = await services().updateTasks(supervisor, {
      namespace: 'acme',
      filter: { kind: ['nobody'] },
      limit: 1,
      dryRun: false,
      runAt,
    });
    expect(result).toMatchObject({ kind: 'updated', bulk: { hasMore: true }, tasks: [{ id: taskIds[1] }] });
    expect(await services().findTask(producer, taskIds[1]!)).toMatchObject({ status: 'SCHEDULED', nextRunAt: runAt });
    const left = async () =>
      (await engine.foundation.tickets.countTickets('tasks')).find((count) => count.topic === 'nobody')?.tickets;
    await expect.poll(left, { timeout: 15_000 }).toBe(1);
  });
});

describe('counts and filters', () => {
  it('count by status, and find by age and error', async () => {
    healed = false;
    const namespaceActor = { ...supervisor, namespace: 'counted' };
    const create = (kind: string, runAt?: Date) =>
      services().createJob(namespaceActor, {
        namespace: 'counted',
        kind: 'order',
        externalId: 'no 1',
        tasks: [{ kind, maxAttempts: 1, ...(runAt === undefined ? {} : { runAt }) }],
      });
    const failed = await create('brittle');
    if (failed.kind !== 'created') throw new Error(failed.kind);
    await untilStatus(engine.foundation, failed.tasks[0]!.id, 'FAILED');
    const between = new Date(Date.now() + 1);
    await expect.poll(() => Date.now()).toBeGreaterThan(between.getTime());
    await create('brittle', hour());
    await create('nobody');
    const count = await services().countTasks(namespaceActor, 'counted', null);
    expect([Object.fromEntries(count.counts), count.isComplete]).toEqual([
      { FAILED: 1, SCHEDULED: 1, AVAILABLE: 1 },
      true,
    ]);
    const list = async (filter: object) =>
      (await services().listTasks(namespaceActor, { namespace: 'counted', filter, first: 10 })).edges.map(
        (edge) => edge.node.status,
      );
    expect(await list({ createdAfter: between })).toEqual(['AVAILABLE', 'SCHEDULED']);
    expect(await list({ createdBefore: between })).toEqual(['FAILED']);
    expect(await list({ error: 'FULL', externalId: 'no 1' })).toEqual(['FAILED']);
    expect(await list({ externalId: 'no 2' })).toEqual([]);
    const jobs = await services().listJobs(namespaceActor, {
      namespace: 'counted',
      filter: { error: 'disk', createdBefore: between },
      first: 10,
    });
    expect(jobs.edges.map((edge) => edge.node.id)).toEqual([failed.job.id]);
    expect(Object.fromEntries((await services().countJobs(namespaceActor, 'counted', null)).counts)).toEqual({
      FAILED: 1,
      OPEN: 2,
    });
    await expect(services().countTasks(producer, 'counted', null)).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });
});
