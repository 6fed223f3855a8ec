import type { TaskRecord } from '../../domain/task.ts';
import type { CancelResult } from '../../tasks/cancel.ts';
import { taskOperators } from '../../tasks/find-task.ts';
import type { ProblemShape } from '../builder.ts';
import { builder, Problem } from '../builder.ts';
import { TaskRef } from '../types/task.ts';

interface TasksCancelledShape {
  readonly kind: 'TasksCancelled';
  readonly tasks: readonly TaskRecord[];
}

const TasksCancelled = builder.objectRef<TasksCancelledShape>('TasksCancelled').implement({
  description: 'These tasks were cancelled by this very call.',
  fields: (t) => ({
    tasks: t.field({
      type: [TaskRef],
      complexity: { field: 1, multiplier: 5 },
      resolve: (result) => [...result.tasks],
    }),
  }),
});

interface NotCancellableShape extends ProblemShape {
  readonly kind: 'NotCancellable';
}

const NotCancellable = builder.objectRef<NotCancellableShape>('NotCancellable').implement({
  interfaces: [Problem],
  description: 'Nothing is open any more. Nothing was changed.',
});

type Shape = TasksCancelledShape | NotCancellableShape;

const CancelResultUnion = builder.unionType('CancelResult', {
  types: [TasksCancelled, NotCancellable],
  resolveType: (value) => (value as Shape).kind,
});

function toShape(result: CancelResult): Shape {
  if (result.kind === 'cancelled') return { kind: 'TasksCancelled', tasks: result.tasks };
  return {
    kind: 'NotCancellable',
    code: 'NOT_CANCELLABLE',
    message: 'Nothing of it is open any more',
    retryable: false,
  };
}

const CancelTaskInput = builder.inputType('CancelTaskInput', {
  fields: (t) => ({
    taskId: t.id({ required: true }),
    reason: t.string({ description: 'For the audit trail; at most 2,000 characters.' }),
  }),
});

builder.mutationField('cancelTask', (t) =>
  t.field({
    type: CancelResultUnion,
    description:
      'Cancels an open task. A running one is told at its next heartbeat; what it does until then may stand.',
    authScopes: { roles: taskOperators },
    args: { input: t.arg({ type: CancelTaskInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }) => toShape(await services.cancelTask(actor, input)),
  }),
);

const CancelJobInput = builder.inputType('CancelJobInput', {
  fields: (t) => ({
    jobId: t.id({ required: true }),
    reason: t.string({ description: 'For the audit trail; at most 2,000 characters.' }),
  }),
});

builder.mutationField('cancelJob', (t) =>
  t.field({
    type: CancelResultUnion,
    description: 'Cancels all open tasks of a job.',
    authScopes: { roles: taskOperators },
    args: { input: t.arg({ type: CancelJobInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }) => toShape(await services.cancelJob(actor, input)),
  }),
);
