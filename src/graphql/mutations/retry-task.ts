import { taskOperators } from '../../tasks/find-task.ts';
import type { RetryResult } from '../../tasks/retry.ts';
import { builder } from '../builder.ts';
import type { ChangedTasks, RefusedTask } from '../types/changed-tasks.ts';
import { defineChangedTasks, defineRefusedTask } from '../types/changed-tasks.ts';
import { TaskFilterInput } from '../types/task.ts';

const TasksRetried = defineChangedTasks('TasksRetried', 'These tasks were put back by this very call, or would be.');
const NotRetryable = defineRefusedTask(
  'NotRetryable',
  'Only failed and cancelled tasks, and those that wait for their next attempt, can be put back. Nothing was changed.',
);

type Shape = ChangedTasks<'TasksRetried'> | RefusedTask<'NotRetryable'>;

const RetryResultUnion = builder.unionType('RetryResult', {
  types: [TasksRetried, NotRetryable],
  resolveType: (value) => (value as Shape).kind,
});

function toShape(result: RetryResult): Shape {
  if (result.kind === 'retried') return { ...result, kind: 'TasksRetried' };
  const { status } = result;
  const message =
    status === 'FAILED' || status === 'CANCELLED'
      ? 'Another open task has its unique key'
      : `The task is ${status}; only failed and cancelled ones can be put back, and those that wait for their next attempt`;
  return { kind: 'NotRetryable', code: 'NOT_RETRYABLE', message, retryable: false, status };
}

const RetryTaskInput = builder.inputType('RetryTaskInput', {
  fields: (t) => ({
    taskId: t.id({ required: true }),
    reason: t.string({ description: 'For the audit trail; at most 2,000 characters.' }),
  }),
});

builder.mutationField('retryTask', (t) =>
  t.field({
    type: RetryResultUnion,
    description:
      'Puts a failed or cancelled task back, to run at once, with all its attempts before it. One that waits for its next attempt has it now.',
    authScopes: { roles: taskOperators },
    args: { input: t.arg({ type: RetryTaskInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }) => toShape(await services.retryTask(actor, input)),
  }),
);

const RetryFailedTasksInput = builder.inputType('RetryFailedTasksInput', {
  fields: (t) => ({
    jobId: t.id({ required: true }),
    kinds: t.stringList({ description: 'Only these; every kind without it.' }),
    reason: t.string({ description: 'For the audit trail; at most 2,000 characters.' }),
  }),
});

builder.mutationField('retryFailedTasks', (t) =>
  t.field({
    type: RetryResultUnion,
    description: 'Puts the failed tasks of a job back, and touches no other.',
    authScopes: { roles: taskOperators },
    args: { input: t.arg({ type: RetryFailedTasksInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }) => toShape(await services.retryFailedTasks(actor, input)),
  }),
);

const RetryTasksInput = builder.inputType('RetryTasksInput', {
  fields: (t) => ({
    namespace: t.string({ required: true }),
    filter: t.field({
      type: TaskFilterInput,
      description: 'Which tasks. Failed ones unless `status` names FAILED, CANCELLED or RETRYABLE.',
    }),
    limit: t.int({ defaultValue: 100, description: 'How many at most, the newest ones; 1 to 1,000.' }),
    dryRun: t.boolean({ defaultValue: false, description: 'Changes nothing and shows which tasks they would be.' }),
    reason: t.string({ description: 'For the audit trail; at most 2,000 characters.' }),
  }),
});

builder.mutationField('retryTasks', (t) =>
  t.field({
    type: RetryResultUnion,
    description: 'Puts the tasks back that match a filter.',
    authScopes: { roles: taskOperators },
    args: { input: t.arg({ type: RetryTasksInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }) =>
      toShape(await services.retryTasks(actor, { ...input, limit: input.limit ?? 100, dryRun: input.dryRun ?? false })),
  }),
);
