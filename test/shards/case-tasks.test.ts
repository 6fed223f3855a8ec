import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { shardOf } from '../../src/domain/ids.ts';
import type { TestEngine } from '../support/engine.ts';
import { actor, alice, application, bob, startEngine } from '../support/engine.ts';
import { uniqueDirectory } from '../support/servers.ts';
import { startWorker, untilStatus } from '../tasks/task-engine.ts';

const mailbox = uniqueDirectory('mailbox');
let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine({ CASE_TASKS: 'all', MAIL_FOLDER: mailbox }, { shards: 2 });
  await startWorker(await engine.another(), engine.foundation.taskHandlers);
});
afterAll(() => engine.stop());

async function register(email: string): Promise<string> {
  const applicant = { name: 'Zoë Smith', email };
  const result = await engine.foundation.services.register(alice, { ...application, applicant });
  if (result.kind !== 'registered') throw new Error(result.kind);
  return result.held.case.id;
}

async function decide(caseId: string): Promise<void> {
  const { services } = engine.foundation;
  const claimed = await services.claimCase(bob, { caseId });
  if (claimed.kind !== 'claimed') throw new Error(claimed.kind);
  const leaseToken = claimed.held.lease!.token;
  expect((await services.decide(bob, { caseId, leaseToken, verdict: 'APPROVE' })).kind).toBe('decided');
}

it('a case has its tasks, mails and export on its own shard, and they are found from all', async () => {
  const { services } = engine.foundation;
  const cases = [await register('a@example.com'), await register('b@example.com')];
  expect(cases.map(shardOf).sort()).toEqual([0, 1]);
  for (const id of cases) {
    await decide(id);
    const jobs = await services.jobsAbout({ namespace: 'acme', externalId: id });
    expect(jobs.map((job) => [job.kind, shardOf(job.id)])).toEqual([
      ['case-decided', shardOf(id)],
      ['case-registered', shardOf(id)],
    ]);
    const tasks = (await Promise.all(jobs.map((job) => services.taskStore.tasksOf(job.id)))).flat();
    for (const task of tasks) await untilStatus(engine.foundation, task.id, 'SUCCEEDED');
    expect((await services.findCaseExport(id))?.blobKey).toContain(id);
  }
  const operator = actor('olga', 'operator');
  const page = await services.listMails(operator, { namespace: 'acme', first: 10 });
  expect(page.edges.map(({ node }) => [node.recipient, node.status, shardOf(node.id)]).sort()).toEqual(
    ['a@example.com', 'b@example.com'].flatMap((address, place) =>
      [1, 2].map(() => [address, 'SENT', shardOf(cases[place]!)]),
    ),
  );
  for (const { node } of page.edges) expect((await services.findMail(operator, node.id)).id).toBe(node.id);
  expect(readdirSync(mailbox)).toHaveLength(4);
});
