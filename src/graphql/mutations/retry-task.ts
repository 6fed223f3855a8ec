import type { TaskRecord, TaskStatus } from '../../domain/task.ts';
import { taskOperators } from '../../tasks/find-task.ts';
import type { RetryResult } from '../../tasks/retry.ts';
import type { ProblemShape } from '../builder.ts';
import { builder, Problem } from '../builder.ts';
import { TaskRef, TaskStatusEnum } from '../types/task.ts';

interface TasksRetriedShape {
  readonly kind: 'TasksRetried';
  readonly tasks: readonly TaskRecord[];
}

const TasksRetried = builder.objectRef<TasksRetriedShape>('TasksRetried').implement({
  description: 'These tasks were put back by this very call.',
  fields: (t) => ({
    tasks: t.field({
      type: [TaskRef],
      complexity: { field: 1, multiplier: 5 },
      resolve: (result) => [...result.tasks],
    }),
  }),
});

interface NotRetryableShape extends ProblemShape {
  readonly kind: 'NotRetryable';
  readonly status: TaskStatus;
}

const NotRetryable = builder.objectRef<NotRetryableShape>('NotRetryable').implement({
  interfaces: [Problem],
  description: 'Only failed and cancelled tasks can be put back. Nothing was changed.',
  fields: (t) => ({ status: t.expose('status', { type: TaskStatusEnum, description: 'How the task stands.' }) }),
});

type Shape = TasksRetriedShape | NotRetryableShape;

const RetryResultUnion = builder.unionType('RetryResult', {
  types: [TasksRetried, NotRetryable],
  resolveType: (value) => (value as Shape).kind,
});

function toShape(result: RetryResult): Shape {
  if (result.kind === 'retried') return { kind: 'TasksRetried', tasks: result.tasks };
  const message = `The task is ${result.status}; only failed and cancelled ones can be put back`;
  return { kind: 'NotRetryable', code: 'NOT_RETRYABLE', message, retryable: false, status: result.status };
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
    description: 'Puts a failed or cancelled task back, to run at once, with all its attempts before it.',
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
