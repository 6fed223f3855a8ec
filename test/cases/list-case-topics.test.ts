import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestEngine } from '../support/engine.ts';
import { alice, application, startEngine } from '../support/engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());

const auditor = {
  subject: 'ann',
  namespace: 'acme',
  roles: new Set(['auditor'] as const),
  expiresAtSeconds: undefined,
};

describe('caseTopics', () => {
  it('counts what waits and what is held on each topic, and says since when the oldest waits', async () => {
    const { services } = engine.foundation;
    const registered: Date[] = [];
    for (const topic of ['counted', 'counted', 'counted', 'other']) {
      const result = await services.register(alice, { ...application, topic });
      if (result.kind !== 'registered') throw new Error(result.kind);
      registered.push(result.held.case.registeredAt);
    }
    await services.claimNextCase(
      auditor,
      { namespace: 'acme', topics: ['counted'], waitMs: 0, leaseSeconds: 60 },
      new AbortController().signal,
    );
    const topics = await services.listCaseTopics(auditor, 'acme');
    expect(topics.filter(({ name }) => name === 'counted' || name === 'other')).toEqual([
      { name: 'counted', paused: false, waiting: 2, held: 1, oldestWaitingSince: registered[1] },
      { name: 'other', paused: false, waiting: 1, held: 0, oldestWaitingSince: registered[3] },
    ]);
  });

  it('is not for applicants, nor for another namespace', async () => {
    const { services } = engine.foundation;
    await expect(services.listCaseTopics(alice, 'acme')).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(services.listCaseTopics(auditor, 'other')).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });
});
