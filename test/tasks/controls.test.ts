import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestEngine } from '../support/engine.ts';
import { startEngine } from '../support/engine.ts';
import { handlerOf } from './handler-of.ts';
import { createJob, producer, startWorker, supervisor, untilStatus } from './task-engine.ts';

let engine: TestEngine;
let runs = 0;
let most = 0;
beforeAll(async () => {
  engine = await startEngine();
  await engine.startScheduler();
  const counted = (kind: string) =>
    handlerOf(
      kind,
      async () => {
        runs += 1;
        most = Math.max(most, runs);
        await new Promise((resolve) => setTimeout(resolve, 30));
        runs -= 1;
        return undefined;
      },
      { concurrency: 6 },
    );
  const handlers = [
    handlerOf('halted', async () => undefined),
    handlerOf('quick', async () => undefined),
    counted('narrow'),
    counted('wide'),
  ];
  for (let worker = 0; worker < 2; worker++) await startWorker(await engine.another(), handlers);
});
afterAll(() => engine.stop());

const services = () => engine.foundation.services;
const reasonOf = (taskId: string) => services().taskStore.waitReasonOf(taskId);
const limit = (kind: string | null, more: object) =>
  services().limitTaskKind(supervisor, { namespace: 'acme', kind, ...more });

describe('a pause', () => {
  it('holds a kind back until it is resumed, costs no attempt, and says who and why', async () => {
    const first = await createJob(engine.foundation, [{ kind: 'halted' }]);
    await untilStatus(engine.foundation, first.taskIds[0]!, 'SUCCEEDED');
    const place = { namespace: 'acme', kind: 'halted' };
    const paused = await services().pauseTaskKind(supervisor, { ...place, reason: 'their server moves' });
    expect(paused).toMatchObject({ kind: 'halted', pause: { by: 'sue', reason: 'their server moves', until: null } });
    const { taskIds } = await createJob(engine.foundation, [{ kind: 'halted' }, { kind: 'quick' }]);
    await untilStatus(engine.foundation, taskIds[1]!, 'SUCCEEDED');
    expect(await reasonOf(taskIds[0]!)).toBe('PAUSED');
    const resumed = await services().resumeTaskKind(supervisor, { ...place, reason: 'it moved' });
    expect(resumed.pause).toBeNull();
    expect(await untilStatus(engine.foundation, taskIds[0]!, 'SUCCEEDED')).toMatchObject({ attemptsCounted: 1 });
    expect(await services().taskControlChanges(resumed)).toMatchObject([
      { action: 'resumed', actor: 'sue', reason: 'it moved' },
      { action: 'paused', actor: 'sue', reason: 'their server moves' },
    ]);
  });

  it('ends by itself, for a kind as for a whole namespace', async () => {
    const until = new Date(Date.now() + 1_500);
    await services().pauseTaskKind(supervisor, { namespace: 'acme', reason: 'the whole shop moves', until });
    const { taskIds } = await createJob(engine.foundation, [{ kind: 'quick' }]);
    const done = await untilStatus(engine.foundation, taskIds[0]!, 'SUCCEEDED');
    expect(done.finishedAt!.getTime()).toBeGreaterThanOrEqual(until.getTime());
    expect((await services().listTaskControls(producer, 'acme')).at(0)).toMatchObject({ kind: null, pause: null });
    await expect(
      services().pauseTaskKind(supervisor, { namespace: 'acme', reason: 'late', until: new Date(0) }),
    ).rejects.toMatchObject({ code: 'BAD_USER_INPUT', field: 'input.until' });
  });

  it('is for supervisors and operators of the namespace', async () => {
    const input = { namespace: 'acme', kind: 'quick', reason: 'why not' };
    await expect(services().pauseTaskKind(producer, input)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(services().pauseTaskKind(supervisor, { ...input, namespace: 'other' })).rejects.toMatchObject({
      code: 'FORBIDDEN',
    });
  });
});

describe('a limit', () => {
  it('bounds how many run at once over all workers, and each waits without an attempt', async () => {
    await limit('narrow', { concurrencyMax: 2 });
    most = 0;
    const { taskIds } = await createJob(
      engine.foundation,
      Array.from({ length: 16 }, () => ({ kind: 'narrow' })),
    );
    const reasons = new Set<string | undefined>();
    for (const id of taskIds) {
      reasons.add(await reasonOf(taskIds.at(-1)!));
      expect(await untilStatus(engine.foundation, id, 'SUCCEEDED')).toMatchObject({ attemptsCounted: 1 });
    }
    expect(most).toBe(2);
    expect([...reasons]).toContain('CONCURRENCY_LIMIT');
  });

  it('bounds a whole namespace', async () => {
    await limit('narrow', {});
    await limit(null, { concurrencyMax: 3 });
    most = 0;
    const kinds = Array.from({ length: 12 }, (_, index) => ({ kind: index % 2 === 0 ? 'narrow' : 'wide' }));
    const { taskIds } = await createJob(engine.foundation, kinds);
    for (const id of taskIds) await untilStatus(engine.foundation, id, 'SUCCEEDED');
    expect(most).toBe(3);
    await limit(null, {});
  });

  it('bounds how many begin within a time', async () => {
    await limit('quick', { rateMax: 4, rateSeconds: 2, reason: 'their quota' });
    const { taskIds } = await createJob(
      engine.foundation,
      Array.from({ length: 8 }, () => ({ kind: 'quick' })),
    );
    await untilStatus(engine.foundation, taskIds[0]!, 'SUCCEEDED');
    await expect.poll(() => reasonOf(taskIds.at(-1)!)).toBe('RATE_LIMIT');
    const starts: number[] = [];
    for (const id of taskIds) {
      await untilStatus(engine.foundation, id, 'SUCCEEDED');
      starts.push((await services().taskStore.attemptsOf(id))[0]!.startedAt.getTime());
    }
    starts.sort((a, b) => a - b);
    // A full bucket of four, and from then on two a second.
    for (const [index, start] of starts.entries())
      expect(start - starts[0]!).toBeGreaterThanOrEqual(Math.max(0, index - 3) * 500 - 5);
    await limit('quick', {});
  });

  it.each([
    [{ concurrencyMax: 0 }, 'input.concurrencyMax'],
    [{ rateSeconds: 5 }, 'input.rateMax'],
    [{ rateMax: 5, rateSeconds: 0 }, 'input.rateSeconds'],
  ])('refuses %o', async (more, field) => {
    await expect(limit('quick', more)).rejects.toMatchObject({ code: 'BAD_USER_INPUT', field });
  });
});
