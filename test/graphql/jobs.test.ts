import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { issueToken } from '../../src/auth/tokens.ts';
import type { Role } from '../../src/domain/actor.ts';
import { createGatewayService } from '../../src/gateway.ts';
import type { Service } from '../../src/lifecycle.ts';
import type { TestEngine } from '../support/engine.ts';
import { startEngine, testSecret } from '../support/engine.ts';
import { handlerOf } from '../tasks/handler-of.ts';
import { startWorker, untilStatus } from '../tasks/task-engine.ts';

let engine: TestEngine;
let gateway: Service;
let base: string;
let works = false;
const tokens: Record<string, string> = {};

beforeAll(async () => {
  engine = await startEngine();
  await engine.startScheduler();
  gateway = createGatewayService(engine.foundation, (port) => {
    base = `http://127.0.0.1:${port}`;
  });
  await gateway.start();
  await startWorker(await engine.another(), [
    handlerOf('fine', async () => ({ fine: true })),
    handlerOf('odd', async () => {
      if (!works) throw new Error('odd');
      return undefined;
    }),
  ]);
  const order: [string, string, ...Role[]][] = [
    ['paul', 'acme', 'producer'],
    ['sue', 'acme', 'supervisor'],
    ['bob', 'acme', 'auditor'],
    ['olga', '*', 'operator'],
    ['eve', 'other', 'producer', 'supervisor'],
  ];
  for (const [subject, namespace, ...roles] of order)
    tokens[subject] = await issueToken({ subject, namespace, roles, secret: testSecret, expiresInSeconds: 600 });
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
  return response.json();
}

const createJob = `mutation($input: CreateJobInput!) { createJob(input: $input) {
  ... on JobCreated { job { id status tasks { id kind status } } } ... on Problem { code } } }`;
const retryTask = `mutation($taskId: ID!) { retryTask(input: { taskId: $taskId, reason: "by hand" }) {
  ... on TasksRetried { tasks { id status } } ... on NotRetryable { code status retryable } } }`;

describe('jobs over GraphQL', () => {
  it('creates, fails one of three, shows why, retries that one, and refuses a second retry', async () => {
    const tasks = [{ kind: 'fine', payload: { a: 1 } }, { kind: 'odd', maxAttempts: 1 }, { kind: 'fine' }];
    const input = { namespace: 'acme', kind: 'order', externalId: '4711', tasks, idempotencyKey: 'one' };
    const created = await ask('paul', createJob, { input });
    const { job } = created.data.createJob;
    expect(job.tasks.map((task: Answer) => task.kind)).toEqual(['fine', 'odd', 'fine']);
    expect((await ask('paul', createJob, { input })).data.createJob.job.id).toBe(job.id);
    const other = { ...input, kind: 'other' };
    expect((await ask('paul', createJob, { input: other })).data.createJob).toEqual({ code: 'IDEMPOTENCY_CONFLICT' });
    for (const [index, status] of (['SUCCEEDED', 'FAILED', 'SUCCEEDED'] as const).entries())
      await untilStatus(engine.foundation, job.tasks[index].id, status);
    const seen = await ask(
      'paul',
      `query($id: ID!) { job(id: $id) { status externalId createdBy tasks { status result error attemptCount maxAttempts
        attempts { number outcome error worker } } } }`,
      { id: job.id },
    );
    expect(seen.data.job).toMatchObject({
      status: 'PARTIALLY_FAILED',
      externalId: '4711',
      createdBy: 'paul',
      tasks: [
        { status: 'SUCCEEDED', result: { fine: true } },
        { status: 'FAILED', error: 'Error: odd', attempts: [{ number: 1, outcome: 'FAILED', error: 'Error: odd' }] },
        { status: 'SUCCEEDED' },
      ],
    });
    works = true;
    const failed = job.tasks[1].id;
    expect((await ask('sue', retryTask, { taskId: failed })).data.retryTask.tasks).toMatchObject([{ id: failed }]);
    await untilStatus(engine.foundation, failed, 'SUCCEEDED');
    expect((await ask('sue', retryTask, { taskId: failed })).data.retryTask).toEqual({
      code: 'NOT_RETRYABLE',
      status: 'SUCCEEDED',
      retryable: false,
    });
    const trail = await ask(
      'sue',
      '{ tasks(namespace: "acme", filter: { kind: ["odd"] }) { edges { node { job { status } events { edges { node { type actor reason } } } } } } }',
    );
    const { node } = trail.data.tasks.edges[0];
    expect(node.job.status).toBe('SUCCEEDED');
    expect(node.events.edges.map((edge: Answer) => edge.node)).toContainEqual({
      type: 'RETRIED',
      actor: 'sue',
      reason: 'by hand',
    });
  });

  it('names, orders and changes tasks, and counts them', async () => {
    const tasks = [
      { kind: 'ordered', name: 'first', uniqueKey: 'order 1' },
      { kind: 'ordered', dependsOn: ['first'], onDependencyFailure: 'CANCEL' },
    ];
    const create = `mutation($input: CreateJobInput!) { createJob(input: $input) {
      ... on JobCreated { job { id tasks { id name uniqueKey dependsOn { name } } } existingTasks { id } }
      ... on TaskKeyTaken { code place retryable task { name } } } }`;
    const input = { namespace: 'acme', kind: 'ordered', externalId: 'no 5', tasks };
    const { job } = (await ask('paul', create, { input })).data.createJob;
    expect(job.tasks).toMatchObject([{ name: 'first', uniqueKey: 'order 1' }, { dependsOn: [{ name: 'first' }] }]);
    expect((await ask('paul', create, { input })).data.createJob).toEqual({
      code: 'TASK_KEY_TAKEN',
      place: 0,
      retryable: true,
      task: { name: 'first' },
    });
    const update = `mutation($id: ID!) { updateTask(input: { taskId: $id, priority: 4 }) {
      ... on TasksUpdated { count tasks { priority } } ... on NotUpdatable { code } } }`;
    expect((await ask('sue', update, { id: job.tasks[0].id })).data.updateTask).toEqual({
      count: 1,
      tasks: [{ priority: 4 }],
    });
    expect((await ask('paul', update, { id: job.tasks[0].id })).errors[0].extensions.code).toBe('FORBIDDEN');
    const bulk = await ask(
      'sue',
      `mutation { updateTasks(input: { namespace: "acme", filter: { externalId: "no 5" }, priority: 2, dryRun: true }) {
        ... on TasksUpdated { count dryRun hasMore } }
        retryTasks(input: { namespace: "acme", filter: { externalId: "no 5" } }) { ... on TasksRetried { count dryRun } } }`,
    );
    expect(bulk.data).toEqual({
      updateTasks: { count: 2, dryRun: true, hasMore: false },
      retryTasks: { count: 0, dryRun: false },
    });
    const counts = await ask(
      'paul',
      `{ taskCounts(namespace: "acme", filter: { externalId: "no 5" }) { scheduled available failed isComplete }
         jobCounts(namespace: "acme", filter: { externalId: "no 5" }) { open } }`,
    );
    expect(counts.data).toEqual({
      taskCounts: { scheduled: 1, available: 1, failed: 0, isComplete: true },
      jobCounts: { open: 1 },
    });
  });

  it('keeps roles and namespaces apart', async () => {
    const input = { namespace: 'acme', kind: 'order', tasks: [{ kind: 'idle' }] };
    const created = await ask('olga', createJob, { input });
    const { id, tasks } = created.data.createJob.job;
    expect((await ask('bob', createJob, { input })).errors[0].extensions.code).toBe('FORBIDDEN');
    expect((await ask('eve', createJob, { input })).errors[0].extensions.code).toBe('FORBIDDEN');
    expect((await ask('eve', `{ job(id: "${id}") { id } }`)).errors[0].extensions.code).toBe('NOT_FOUND');
    expect((await ask('eve', `{ task(id: "${tasks[0].id}") { id } }`)).errors[0].extensions.code).toBe('NOT_FOUND');
    expect((await ask('eve', retryTask, { taskId: tasks[0].id })).errors[0].extensions.code).toBe('NOT_FOUND');
    expect((await ask('paul', retryTask, { taskId: tasks[0].id })).errors[0].extensions.code).toBe('FORBIDDEN');
    expect((await ask('eve', '{ jobs(namespace: "acme") { edges { node { id } } } }')).errors[0].extensions.code).toBe(
      'FORBIDDEN',
    );
    const kinds = await ask('paul', '{ taskKinds(namespace: "acme") { kind available } }');
    expect(kinds.data.taskKinds).toContainEqual({ kind: 'idle', available: 1 });
    const cancelled = await ask(
      'sue',
      `mutation { cancelJob(input: { jobId: "${id}" }) { ... on TasksCancelled { tasks { status job { status } } } } }`,
    );
    expect(cancelled.data.cancelJob.tasks).toEqual([{ status: 'CANCELLED', job: { status: 'CANCELLED' } }]);
  });
});
