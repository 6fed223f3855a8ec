import type { TaskRecord, TaskStatus } from '../../domain/task.ts';
import { taskOperators } from '../../tasks/find-task.ts';
import type { BulkResult, RetryResult } from '../../tasks/retry.ts';
import type { ProblemShape } from '../builder.ts';
import { builder, Problem } from '../builder.ts';
import { TaskFilterInput, TaskRef, TaskStatusEnum } from '../types/task.ts';

interface TasksRetriedShape {
  readonly kind: 'TasksRetried';
  readonly tasks: readonly TaskRecord[];
  readonly bulk?: BulkResult;
}

const TasksRetried = builder.objectRef<TasksRetriedShape>('TasksRetried').implement({
  description: 'These tasks were put back by this very call, or would be.',
  fields: (t) => ({
    tasks: t.field({
      type: [TaskRef],
      complexity: { field: 1, multiplier: 5 },
      resolve: (result) => [...result.tasks],
    }),
    count: t.int({ resolve: (result) => result.tasks.length }),
    dryRun: t.boolean({ description: 'Nothing was changed.', resolve: (result) => result.bulk?.dryRun ?? false }),
    hasMore: t.boolean({
      description: 'More tasks match the filter than the limit allowed.',
      resolve: (result) => result.bulk?.hasMore ?? false,
    }),
  }),
});

interface NotRetryableShape extends ProblemShape {
  readonly kind: 'NotRetryable';
  readonly status: TaskStatus;
}

const NotRetryable = builder.objectRef<NotRetryableShape>('NotRetryable').implement({
  interfaces: [Problem],
  description:
    'Only failed and cancelled tasks, and those that wait for their next attempt, can be put back. Nothing was changed.',
  fields: (t) => ({ status: t.expose('status', { type: TaskStatusEnum, description: 'How the task stands.' }) }),
});

type Shape = TasksRetriedShape | NotRetryableShape;

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
