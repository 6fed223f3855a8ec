import { taskOperators } from '../../tasks/find-task.ts';
import type { UpdateResult } from '../../tasks/update.ts';
import { builder } from '../builder.ts';
import type { ChangedTasks, RefusedTask } from '../types/changed-tasks.ts';
import { defineChangedTasks, defineRefusedTask } from '../types/changed-tasks.ts';
import { TaskFilterInput } from '../types/task.ts';

const TasksUpdated = defineChangedTasks('TasksUpdated', 'These tasks were changed, or would be.');
const NotUpdatable = defineRefusedTask('NotUpdatable', 'Only tasks that wait can be changed. Nothing was.');

type Shape = ChangedTasks<'TasksUpdated'> | RefusedTask<'NotUpdatable'>;

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
