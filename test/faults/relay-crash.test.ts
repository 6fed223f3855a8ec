import { afterAll, beforeAll, expect, test } from 'vitest';
import { callApi } from '../../src/jetstream/api.ts';
import { runLoad } from '../../src/load/run-load.ts';
import { planLoad } from '../support/load-plan.ts';
import { announceSeed, limitTime, size } from '../support/long-form.ts';
import { TestSystem } from '../support/system.ts';
import { waitUntil } from '../support/wait-until.ts';

limitTime();

/** A scheduler dies after it has published events and before it has saved how far it is. */

const seed = announceSeed('relay crash');
const deaths = size(2, 20);
let system: TestSystem;

beforeAll(async () => {
  system = await TestSystem.start();
});
afterAll(async () => {
  await system.close();
});

test('a relay that dies between publishing and saving its place leaves no gap and no double', async () => {
  const namespace = 'relayed';
  const gateway = await system.runGateway();
  const plan = planLoad({ namespace, seed, cases: size(100, 2_000) });
  const result = await runLoad(plan, system.target(gateway), {
    alongside: async () => {
      for (let death = 1; death <= deaths; death++) {
        const { program } = await system.spawn('scheduler', `scheduler ${death}`, {
          CASELOAD_CRASH_AT: 'relay_after_publish',
        });
        await program.exited;
      }
      // The first round of each has published what the one before had published already.
      await system.runScheduler();
    },
  });
  expect(result.gaveUp).toBeUndefined();
  expect(result.findings.violations).toEqual([]);
  const link = await system.link();
  const subject = `events.cases.${namespace}.cases`;
  const count = async (): Promise<number> => {
    const request = { subjects_filter: subject };
    const { state } = await callApi<{ state: { subjects?: Record<string, number> } }>(
      link,
      'STREAM.INFO.EVENTS',
      request,
    );
    return state.subjects?.[subject] ?? 0;
  };
  await waitUntil('the stream has every event', async () => (await count()) >= result.ledger.events.length);
  expect(await count()).toBe(result.ledger.events.length);
});
