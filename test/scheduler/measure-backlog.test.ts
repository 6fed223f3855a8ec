import { afterAll, beforeAll, expect, it } from 'vitest';
import { measureBacklog } from '../../src/scheduler/measure-backlog.ts';
import type { TestEngine } from '../support/engine.ts';
import { alice, application, bob, never, startEngine } from '../support/engine.ts';
import { handlerOf } from '../tasks/handler-of.ts';
import { createJob, startWorker, untilStatus } from '../tasks/task-engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());

it('counts what waits, is leased, is delayed and is dead, and how far the relay is behind', async () => {
  const { foundation } = engine;
  expect((await measureBacklog(foundation.shard)).topics).toEqual([]);
  for (let n = 0; n < 3; n++) await foundation.services.register(alice, application);
  const claim = { namespace: 'acme', topics: ['cases'], waitMs: 5_000, leaseSeconds: 60 };
  expect((await foundation.services.claimNextCase(bob, claim, never)).kind).toBe('claimed');
  const payload = { url: 'https://example.com/' };
  const { taskIds } = await createJob(foundation, [
    { kind: 'webhook', payload },
    { kind: 'webhook', payload, runAt: new Date(Date.now() + 3_600_000) },
  ]);
  const fail = handlerOf('webhook', () => Promise.reject(new Error('no')), { maxAttempts: 1 });
  const stopWorker = await startWorker(foundation, [fail]);
  const more = await createJob(foundation, [{ kind: 'webhook', payload, maxAttempts: 1 }]);
  await untilStatus(foundation, more.taskIds[0]!, 'FAILED');
  await stopWorker();
  expect(taskIds).toHaveLength(2);
  const { topics, topicsLeftOut, eventSeconds } = await measureBacklog(foundation.shard);
  expect(topics).toContainEqual(
    expect.objectContaining({ system: 'cases', topic: 'cases', waiting: 2, leased: 1, delayed: 0, dead: 0 }),
  );
  const webhooks = topics.find(({ topic }) => topic === 'webhook')!;
  expect(webhooks).toMatchObject({ system: 'tasks', leased: 0, dead: expect.any(Number) });
  expect(webhooks.dead).toBeGreaterThanOrEqual(1);
  expect(webhooks.delayed).toBeGreaterThanOrEqual(1);
  const cases = topics.find(({ topic }) => topic === 'cases')!;
  expect(cases.oldestSeconds).toBeGreaterThan(0);
  expect(topicsLeftOut).toBe(0);
  // No scheduler runs here, so nothing has been relayed.
  expect(eventSeconds).toBeGreaterThan(0);
  const stop = await engine.startScheduler();
  await expect.poll(async () => (await measureBacklog(foundation.shard)).eventSeconds, { timeout: 15_000 }).toBe(0);
  await stop();
});
