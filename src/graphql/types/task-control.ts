import { taskOperators, taskReaders } from '../../tasks/find-task.ts';
import type { TaskControl, TaskControlChange } from '../../tasks/task-controls.ts';
import { builder } from '../builder.ts';
import { Refused } from './problems.ts';

const TaskPauseRef = builder.objectRef<NonNullable<TaskControl['pause']>>('TaskPause').implement({
  fields: (t) => ({
    since: t.expose('since', { type: 'DateTime' }),
    until: t.expose('until', { type: 'DateTime', nullable: true, description: 'Until it is resumed without it.' }),
    by: t.exposeString('by'),
    reason: t.exposeString('reason'),
  }),
});

export const TaskControlChangeRef = builder.objectRef<TaskControlChange>('TaskControlChange').implement({
  fields: (t) => ({
    action: t.exposeString('action', { description: 'For people: "paused", "limited to 5 at once, at any rate".' }),
    actor: t.exposeString('actor'),
    reason: t.exposeString('reason', { nullable: true }),
    at: t.expose('at', { type: 'DateTime' }),
  }),
});

const TaskControlRef = builder.objectRef<TaskControl>('TaskControl').implement({
  description: 'What holds back the tasks of a kind, or of all kinds of a namespace.',
  fields: (t) => ({
    kind: t.exposeString('kind', { nullable: true, description: 'All kinds of the namespace without it.' }),
    pause: t.expose('pause', { type: TaskPauseRef, nullable: true }),
    concurrencyMax: t.exposeInt('concurrencyMax', {
      nullable: true,
      description: 'How many run at once, over all workers.',
    }),
    rateMax: t.exposeInt('rateMax', { nullable: true, description: 'How many may begin within `rateSeconds`.' }),
    rateSeconds: t.exposeInt('rateSeconds', { nullable: true }),
    changes: t.field({
      type: [TaskControlChangeRef],
      description: 'Who paused, resumed and limited, the last 50, newest first.',
      resolve: async (control, _args, { services }) => [...(await services.taskControlChanges(control))],
    }),
  }),
});

interface TaskControlSavedShape {
  readonly control: TaskControl;
}

const TaskControlSaved = builder.objectRef<TaskControlSavedShape>('TaskControlSaved').implement({
  fields: (t) => ({ control: t.field({ type: TaskControlRef, resolve: (result) => result.control }) }),
});

const TaskControlResult = builder.unionType('TaskControlResult', {
  types: [TaskControlSaved, Refused],
  resolveType: () => TaskControlSaved,
});

builder.queryField('taskControls', (t) =>
  t.field({
    type: [TaskControlRef],
    description: 'Pauses and limits, those of the whole namespace first.',
    authScopes: { roles: taskReaders },
    args: { namespace: t.arg.string({ required: true }) },
    resolve: async (_root, { namespace }, { actor, services }) => [
      ...(await services.listTaskControls(actor, namespace)),
    ],
  }),
);

const authScopes = { roles: taskOperators };
const kindDescription = 'All kinds of the namespace without it.';
const reasonDescription = 'For the audit trail; at most 2,000 characters.';

const PauseTaskKindInput = builder.inputType('PauseTaskKindInput', {
  fields: (t) => ({
    namespace: t.string({ required: true }),
    kind: t.string({ description: kindDescription }),
    reason: t.string({ required: true, description: reasonDescription }),
    until: t.field({ type: 'DateTime', description: 'When it ends by itself.' }),
  }),
});

builder.mutationField('pauseTaskKind', (t) =>
  t.field({
    type: TaskControlResult,
    description: 'Lets no more tasks begin. Those that run go on; new ones are taken, and keep their places.',
    authScopes,
    args: { input: t.arg({ type: PauseTaskKindInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }) => ({
      control: await services.pauseTaskKind(actor, input),
    }),
  }),
);

const ResumeTaskKindInput = builder.inputType('ResumeTaskKindInput', {
  fields: (t) => ({
    namespace: t.string({ required: true }),
    kind: t.string({ description: kindDescription }),
    reason: t.string({ description: reasonDescription }),
  }),
});

builder.mutationField('resumeTaskKind', (t) =>
  t.field({
    type: TaskControlResult,
    authScopes,
    args: { input: t.arg({ type: ResumeTaskKindInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }) => ({
      control: await services.resumeTaskKind(actor, input),
    }),
  }),
);

const LimitTaskKindInput = builder.inputType('LimitTaskKindInput', {
  fields: (t) => ({
    namespace: t.string({ required: true }),
    kind: t.string({ description: kindDescription }),
    concurrencyMax: t.int({ description: 'How many run at once, over all workers; any number without it.' }),
    rateMax: t.int({ description: 'How many may begin within `rateSeconds`; any number without it.' }),
    rateSeconds: t.int({ description: '1 to 86,400; 1 without it.' }),
    reason: t.string({ description: reasonDescription }),
  }),
});

builder.mutationField('limitTaskKind', (t) =>
  t.field({
    type: TaskControlResult,
    description: 'Sets both limits. A task that is held back keeps its place, and no attempt is counted.',
    authScopes,
    args: { input: t.arg({ type: LimitTaskKindInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }) => ({
      control: await services.limitTaskKind(actor, input),
    }),
  }),
);
