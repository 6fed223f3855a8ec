import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestEngine } from '../support/engine.ts';
import { actor, bob, startEngine } from '../support/engine.ts';
import { createJob, producer } from './task-engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());

const input = (more: object = {}) => ({ namespace: 'acme', kind: 'order', tasks: [{ kind: 'mail' }], ...more });
const create = (more: object = {}, who = producer) => engine.foundation.services.createJob(who, input(more));

async function ticketsOf(topic: string): Promise<number> {
  const counts = await engine.foundation.tickets.countTickets('tasks');
  return counts.find((count) => count.topic === topic)?.tickets ?? 0;
}

describe('createJob', () => {
  it('writes the job, its tasks, items and events together, and issues tickets for what can run', async () => {
    const later = new Date(Date.now() + 3_600_000);
    const { services } = engine.foundation;
    const made = await createJob(
      engine.foundation,
      [
        { kind: 'first', payload: { b: 1, a: [null, 'x'] }, priority: -7, maxAttempts: 2 },
        { kind: 'second', runAt: later },
        { kind: 'first', runAt: new Date(0) },
      ],
      { externalId: 'order 17' },
    );
    expect(made.tasks.map((task) => [task.kind, task.status])).toEqual([
      ['first', 'AVAILABLE'],
      ['second', 'SCHEDULED'],
      ['first', 'AVAILABLE'],
    ]);
    // What was answered is what the record says.
    expect(await services.taskStore.tasksOf(made.jobId)).toEqual(made.tasks);
    expect(await services.findJob(producer, made.jobId)).toMatchObject({
      status: 'OPEN',
      externalId: 'order 17',
      createdBy: 'paul',
    });
    const history = await services.taskHistory(made.taskIds[0]!, 10, null);
    expect(history.events).toMatchObject([{ type: 'CREATED', actor: 'paul' }]);
    await expect.poll(() => ticketsOf('first')).toBe(2);
    expect(await ticketsOf('second')).toBe(0);
  });

  it('gives the same result for the same key and input, and refuses another input', async () => {
    const results = await Promise.all(Array.from({ length: 8 }, () => create({ idempotencyKey: 'k-1' })));
    const ids = new Set(results.map((result) => (result.kind === 'created' ? result.job.id : result.kind)));
    expect(ids.size).toBe(1);
    expect(await create({ idempotencyKey: 'k-1', kind: 'refund' })).toEqual({ kind: 'idempotencyConflict' });
  });

  it('commits many jobs at once, each whole', async () => {
    const results = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        createJob(
          engine.foundation,
          Array.from({ length: (index % 3) + 1 }, () => ({ kind: 'bulk' })),
        ),
      ),
    );
    for (const [index, result] of results.entries())
      expect((await engine.foundation.services.taskStore.tasksOf(result.jobId)).map((task) => task.id)).toEqual(
        result.taskIds.slice(0, (index % 3) + 1),
      );
  });

  it.each([
    ['no task', { tasks: [] }, 'input.tasks'],
    ['too many', { tasks: Array.from({ length: 101 }, () => ({ kind: 'x' })) }, 'input.tasks'],
    ['a bad kind', { tasks: [{ kind: 'a' }, { kind: 'a.b' }] }, 'input.tasks.1.kind'],
    ['a large payload', { tasks: [{ kind: 'a', payload: { text: 'x'.repeat(70_000) } }] }, 'input.tasks.0.payload'],
    [
      'a kind that only Caseload creates',
      { tasks: [{ kind: 'confirmation-mail', payload: { caseId: '01a1fb33-565b-7000-8000-00d172d43f21' } }] },
      'input.tasks.0.kind',
    ],
    ['no attempt', { tasks: [{ kind: 'a', maxAttempts: 0 }] }, 'input.tasks.0.maxAttempts'],
    ['a far time', { tasks: [{ kind: 'a', runAt: new Date('2999-01-01') }] }, 'input.tasks.0.runAt'],
    [
      'a webhook to nowhere',
      { tasks: [{ kind: 'webhook', payload: { url: 'ftp://x' } }] },
      'input.tasks.0.payload.url',
    ],
  ])('refuses %s', async (_what, more, field) => {
    await expect(create(more)).rejects.toMatchObject({ code: 'BAD_USER_INPUT', field });
  });

  it('is for producers, in their own namespace', async () => {
    await expect(create({}, bob)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(create({ namespace: 'other' })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    const { jobId, taskIds } = await createJob(engine.foundation, [{ kind: 'mail' }]);
    const stranger = { ...actor('eve', 'producer'), namespace: 'other' };
    await expect(engine.foundation.services.findJob(stranger, jobId)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(engine.foundation.services.findTask(stranger, taskIds[0]!)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });
});
