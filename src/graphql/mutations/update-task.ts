import type { TaskRecord, TaskStatus } from '../../domain/task.ts';
import { taskOperators } from '../../tasks/find-task.ts';
import type { BulkResult } from '../../tasks/retry.ts';
import type { UpdateResult } from '../../tasks/update.ts';
import type { ProblemShape } from '../builder.ts';
import { builder, Problem } from '../builder.ts';
import { TaskFilterInput, TaskRef, TaskStatusEnum } from '../types/task.ts';

interface TasksUpdatedShape {
  readonly kind: 'TasksUpdated';
  readonly tasks: readonly TaskRecord[];
  readonly bulk?: BulkResult;
}

const TasksUpdated = builder.objectRef<TasksUpdatedShape>('TasksUpdated').implement({
  description: 'These tasks were changed, or would be.',
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

interface NotUpdatableShape extends ProblemShape {
  readonly kind: 'NotUpdatable';
  readonly status: TaskStatus;
}

const NotUpdatable = builder.objectRef<NotUpdatableShape>('NotUpdatable').implement({
  interfaces: [Problem],
  description: 'Only tasks that wait can be changed. Nothing was.',
  fields: (t) => ({ status: t.expose('status', { type: TaskStatusEnum, description: 'How the task stands.' }) }),
});

type Shape = TasksUpdatedShape | NotUpdatableShape;

const UpdateTaskResult = builder.unionType('UpdateTaskResult', {
  types: [TasksUpdated, NotUpdatable],
  resolveType: (value) => (value as Shape).kind,
});

function toShape(result: UpdateResult): Shape {
  if (result.kind === 'updated') return { ...result, kind: 'TasksUpdated' };
  const { status } = result;
  const message = `The task is ${status}; only tasks that wait can be changed`;
  return { kind: 'NotUpdatable', code: 'NOT_UPDATABLE', message, retryable: status === 'AVAILABLE', status };
}

const UpdateTaskInput = builder.inputType('UpdateTaskInput', {
  fields: (t) => ({
    taskId: t.id({ required: true }),
    priority: t.int({ description: 'Lower is sooner; as it is without it.' }),
    runAt: t.field({ type: 'DateTime', description: 'Not before this time; a time that has passed means at once.' }),
    payload: t.field({ type: 'JSON', description: 'Takes the place of the old one.' }),
    reason: t.string({ description: 'For the audit trail; at most 2,000 characters.' }),
  }),
});

builder.mutationField('updateTask', (t) =>
  t.field({
    type: UpdateTaskResult,
    description: 'Changes priority, time or payload of a task that waits.',
    authScopes: { roles: taskOperators },
    args: { input: t.arg({ type: UpdateTaskInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }) => toShape(await services.updateTask(actor, input)),
  }),
);

const UpdateTasksInput = builder.inputType('UpdateTasksInput', {
  fields: (t) => ({
    namespace: t.string({ required: true }),
    filter: t.field({ type: TaskFilterInput, description: 'Which of the tasks that wait.' }),
    priority: t.int({ description: 'Lower is sooner; as it is without it.' }),
    runAt: t.field({ type: 'DateTime', description: 'Not before this time; a time that has passed means at once.' }),
    limit: t.int({ defaultValue: 100, description: 'How many at most, the newest ones; 1 to 1,000.' }),
    dryRun: t.boolean({ defaultValue: false, description: 'Changes nothing and shows which tasks they would be.' }),
    reason: t.string({ description: 'For the audit trail; at most 2,000 characters.' }),
  }),
});

builder.mutationField('updateTasks', (t) =>
  t.field({
    type: UpdateTaskResult,
    description: 'Changes priority or time of the waiting tasks that match a filter.',
    authScopes: { roles: taskOperators },
    args: { input: t.arg({ type: UpdateTasksInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }) =>
      toShape(
        await services.updateTasks(actor, { ...input, limit: input.limit ?? 100, dryRun: input.dryRun ?? false }),
      ),
  }),
);
