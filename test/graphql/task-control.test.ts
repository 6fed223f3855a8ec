import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { issueToken } from '../../src/auth/tokens.ts';
import type { Role } from '../../src/domain/actor.ts';
import { createGatewayService } from '../../src/gateway.ts';
import type { Service } from '../../src/lifecycle.ts';
import type { TestEngine } from '../support/engine.ts';
import { startEngine, testSecret } from '../support/engine.ts';

let engine: TestEngine;
let gateway: Service;
let base: string;
const tokens: Record<string, string> = {};

beforeAll(async () => {
  engine = await startEngine();
  gateway = createGatewayService(engine.foundation, (port) => {
    base = `http://127.0.0.1:${port}`;
  });
  await gateway.start();
  const people: [string, Role][] = [
    ['paul', 'producer'],
    ['sue', 'supervisor'],
    ['robot', 'consumer'],
  ];
  for (const [subject, role] of people)
    tokens[subject] = await issueToken({
      subject,
      namespace: 'acme',
      roles: [role],
      secret: testSecret,
      expiresInSeconds: 600,
    });
});
afterAll(async () => {
  await gateway.stop();
  await engine.stop();
});

// biome-ignore lint/suspicious/noExplicitAny: answers of any operation
type Answer = any;

async function ask(who: string, query: string, variables: object = {}): Promise<Answer> {
  const response = await fetch(`${base}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${tokens[who]}` },
    body: JSON.stringify({ query, variables }),
  });
  const answer: Answer = await response.json();
  return answer.errors === undefined ? answer.data : answer.errors[0].extensions.code;
}

const create = async (kind: string): Promise<string> =>
  (
    await ask(
      'paul',
      `mutation { createJob(input: { namespace: "acme", kind: "order", tasks: [{ kind: "${kind}" }] }) {
         ... on JobCreated { job { tasks { id } } } } }`,
    )
  ).createJob.job.tasks[0].id;
const report = `... on TaskReported { task { status error result } } ... on LeaseLost { code retryable }`;

describe('tasks over GraphQL', () => {
  it('are paused and limited, and say why they wait', async () => {
    const paused = await ask(
      'sue',
      `mutation { pauseTaskKind(input: { namespace: "acme", kind: "slow", reason: "a flood" }) {
         ... on TaskControlSaved { control { kind pause { by reason until } } } } }`,
    );
    expect(paused.pauseTaskKind.control).toEqual({
      kind: 'slow',
      pause: { by: 'sue', reason: 'a flood', until: null },
    });
    const id = await create('slow');
    expect(await ask('paul', `{ task(id: "${id}") { status waitsFor } }`)).toEqual({
      task: { status: 'AVAILABLE', waitsFor: 'PAUSED' },
    });
    await ask(
      'sue',
      `mutation { resumeTaskKind(input: { namespace: "acme", kind: "slow" }) { ... on TaskControlSaved { control { kind } } }
         limitTaskKind(input: { namespace: "acme", rateMax: 10, concurrencyMax: 5 }) {
           ... on TaskControlSaved { control { kind rateSeconds } } } }`,
    );
    expect(await ask('paul', `{ task(id: "${id}") { waitsFor } }`)).toEqual({ task: { waitsFor: 'WORKER' } });
    const { taskControls } = await ask(
      'paul',
      `{ taskControls(namespace: "acme") { kind pause { by } concurrencyMax rateMax rateSeconds changes { action actor } } }`,
    );
    expect(taskControls).toMatchObject([
      { kind: null, concurrencyMax: 5, rateMax: 10, rateSeconds: 1, changes: [{ actor: 'sue' }] },
      { kind: 'slow', pause: null, changes: [{ action: 'resumed' }, { action: 'paused' }] },
    ]);
    const refused = `mutation { pauseTaskKind(input: { namespace: "acme", reason: "mine" }) { __typename } }`;
    expect(await ask('paul', refused)).toBe('FORBIDDEN');
  });

  it('are claimed, kept, completed and failed by workers outside', async () => {
    const ids = [await create('outside'), await create('outside'), await create('outside')];
    const { claimTasks } = await ask(
      'robot',
      `mutation { claimTasks(input: { namespace: "acme", kinds: ["outside"], count: 3, waitMs: 5000 }) {
         ... on TasksClaimed { heldBackKinds tasks { attempt task { id status } lease { token holder expiresAt } } } } }`,
    );
    expect(claimTasks.tasks.map(({ task }: Answer) => task.id)).toEqual(ids);
    expect(claimTasks.tasks[0]).toMatchObject({ attempt: 1, task: { status: 'RUNNING' }, lease: { holder: 'robot' } });
    const tell = (verb: string, index: number, more: string, fields = report) =>
      ask(
        'robot',
        `mutation($token: String!) { told: ${verb}(input: { namespace: "acme", taskId: "${ids[index]}", leaseToken: $token ${more} }) {
           __typename ${fields} } }`,
        { token: claimTasks.tasks[index].lease.token },
      );
    const beat = '... on TaskLeaseExtended { expiresAt serverTime } ... on LeaseLost { code }';
    expect((await tell('heartbeatTask', 0, 'leaseSeconds: 120', beat)).told.__typename).toBe('TaskLeaseExtended');
    expect((await tell('completeTask', 0, 'result: { pages: 3 }')).told.task).toMatchObject({
      status: 'SUCCEEDED',
      result: { pages: 3 },
    });
    expect((await tell('completeTask', 0, '')).told).toMatchObject({ code: 'LEASE_LOST', retryable: false });
    expect((await tell('heartbeatTask', 0, '', beat)).told.code).toBe('LEASE_LOST');
    expect((await tell('failTask', 1, 'error: "no paper", fatal: true')).told.task).toMatchObject({
      status: 'FAILED',
      error: 'no paper',
    });
    expect((await tell('releaseTask', 2, '')).told.task.status).toBe('AVAILABLE');
    expect(
      await ask('paul', 'mutation { claimTasks(input: { namespace: "acme", kinds: ["outside"] }) { __typename } }'),
    ).toBe('FORBIDDEN');
  });

  it('come again and again', async () => {
    const saved = await ask(
      'paul',
      `mutation { upsertTaskSchedule(input: { namespace: "acme", name: "nightly", kind: "report", cron: "0 3 * * *" }) {
         ... on TaskScheduleSaved { schedule { name cron timeZone catchUp nextRunAt upcoming(first: 2) nextTask { status runAt } } } } }`,
    );
    const { schedule } = saved.upsertTaskSchedule;
    expect(schedule).toMatchObject({
      name: 'nightly',
      timeZone: 'UTC',
      catchUp: 'ONE',
      nextTask: { status: 'SCHEDULED' },
    });
    expect(schedule.upcoming[0]).toBe(schedule.nextRunAt);
    const hold = (verb: string) =>
      ask(
        'sue',
        `mutation { ${verb}(input: { namespace: "acme", name: "nightly", reason: "holidays" }) {
           ... on TaskScheduleSaved { schedule { nextRunAt pause { by reason } } } } }`,
      );
    expect((await hold('pauseTaskSchedule')).pauseTaskSchedule.schedule).toEqual({
      nextRunAt: null,
      pause: { by: 'sue', reason: 'holidays' },
    });
    expect((await hold('resumeTaskSchedule')).resumeTaskSchedule.schedule).toEqual({
      nextRunAt: schedule.nextRunAt,
      pause: null,
    });
    const { taskSchedules } = await ask('paul', '{ taskSchedules(namespace: "acme") { name changes { action } } }');
    expect(taskSchedules).toEqual([
      { name: 'nightly', changes: [{ action: 'resumed' }, { action: 'paused' }, { action: 'saved' }] },
    ]);
    const gone =
      'mutation { deleteTaskSchedule(input: { namespace: "acme", name: "nightly" }) { ... on TaskScheduleDeleted { name } } }';
    expect(await ask('sue', gone)).toEqual({ deleteTaskSchedule: { name: 'nightly' } });
    expect(await ask('sue', gone)).toBe('NOT_FOUND');
    expect(await ask('paul', gone)).toBe('FORBIDDEN');
  });
});
