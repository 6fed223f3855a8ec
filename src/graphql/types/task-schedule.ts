import { badInput } from '../../domain/errors.ts';
import { limits } from '../../domain/limits.ts';
import { taskOperators, taskReaders } from '../../tasks/find-task.ts';
import type { TaskSchedule } from '../../tasks/schedules/schedule-record.ts';
import { nextRuns } from '../../tasks/schedules/schedule-record.ts';
import { builder } from '../builder.ts';
import { Refused } from './problems.ts';
import { TaskRef } from './task.ts';
import { TaskControlChangeRef } from './task-control.ts';

const CatchUpEnum = builder.enumType('TaskCatchUp', {
  description: 'What becomes of runs whose time passed while nobody could run them.',
  values: {
    NONE: { description: 'They are left out.' },
    ONE: { description: 'One run stands for all of them.' },
    ALL: { description: 'Each is made up for, one after the other, a week back at most.' },
  } as const,
});

const SchedulePauseRef = builder.objectRef<NonNullable<TaskSchedule['pause']>>('TaskSchedulePause').implement({
  fields: (t) => ({
    since: t.expose('since', { type: 'DateTime' }),
    by: t.exposeString('by'),
    reason: t.exposeString('reason', { nullable: true }),
  }),
});

const TaskScheduleRef = builder.objectRef<TaskSchedule>('TaskSchedule').implement({
  description: 'A task that comes again and again.',
  fields: (t) => ({
    id: t.exposeID('id'),
    namespace: t.exposeString('namespace'),
    name: t.exposeString('name'),
    kind: t.exposeString('kind'),
    payload: t.expose('payload', { type: 'JSON', nullable: true }),
    priority: t.exposeInt('priority'),
    maxAttempts: t.exposeInt('maxAttempts'),
    cron: t.exposeString('cron', { nullable: true }),
    every: t.exposeString('every', { nullable: true }),
    anchor: t.exposeString('anchor', { nullable: true }),
    timeZone: t.exposeString('timeZone'),
    catchUp: t.expose('catchUp', { type: CatchUpEnum }),
    savedBy: t.exposeString('savedBy'),
    pause: t.expose('pause', { type: SchedulePauseRef, nullable: true }),
    nextRunAt: t.expose('nextAt', { type: 'DateTime', nullable: true, description: 'None while it is paused.' }),
    nextTask: t.field({
      type: TaskRef,
      nullable: true,
      description: 'The task that stands for the next run. It can be changed, and cancelled, which leaves one run out.',
      resolve: async (schedule, _args, { services }) =>
        schedule.nextTaskId === null ? null : ((await services.taskStore.findTask(schedule.nextTaskId)) ?? null),
    }),
    upcoming: t.field({
      type: ['DateTime'],
      description: 'When it would run next, counted from now, at most 100.',
      args: { first: t.arg.int({ defaultValue: 5 }) },
      resolve: (schedule, { first }) => {
        const count = first ?? 5;
        if (count < 0 || count > limits.taskRunsPreviewed)
          throw badInput('first', `must be from 0 to ${limits.taskRunsPreviewed}`);
        return [...nextRuns(schedule, Date.now(), count)];
      },
    }),
    changes: t.field({
      type: [TaskControlChangeRef],
      description: 'Who saved, paused and resumed it, the last 50, newest first.',
      resolve: async (schedule, _args, { services }) => [...(await services.taskScheduleChanges(schedule))],
    }),
  }),
});

builder.queryField('taskSchedules', (t) =>
  t.field({
    type: [TaskScheduleRef],
    description: 'By name, at most 1,000. Their runs are the jobs of kind "periodic" with the name as external id.',
    authScopes: { roles: taskReaders },
    args: {
      namespace: t.arg.string({ required: true }),
      name: t.arg.string({ description: 'Only the one of this name.' }),
    },
    resolve: async (_root, { namespace, name }, { actor, services }) =>
      (await services.listTaskSchedules(actor, namespace)).filter((schedule) => name == null || schedule.name === name),
  }),
);

const TaskScheduleSaved = builder.objectRef<{ readonly schedule: TaskSchedule }>('TaskScheduleSaved').implement({
  fields: (t) => ({ schedule: t.field({ type: TaskScheduleRef, resolve: (result) => result.schedule }) }),
});

const TaskScheduleResult = builder.unionType('TaskScheduleResult', {
  types: [TaskScheduleSaved, Refused],
  resolveType: () => TaskScheduleSaved,
});

const UpsertTaskScheduleInput = builder.inputType('UpsertTaskScheduleInput', {
  fields: (t) => ({
    namespace: t.string({ required: true }),
    name: t.string({ required: true, description: 'A schedule of this name is changed; without one it is made.' }),
    kind: t.string({ required: true }),
    payload: t.field({ type: 'JSON' }),
    priority: t.int({ defaultValue: 0 }),
    maxAttempts: t.int({ description: '1 to 100; the kind’s own number without it.' }),
    cron: t.string({ description: 'Five fields, "0 8 * * MON-FRI". Either this or `every`.' }),
    every: t.string({ description: 'An ISO 8601 duration from one second to 31 days, "PT15M".' }),
    anchor: t.string({ description: 'With `every`: a local time from which it is counted, "08:00".' }),
    timeZone: t.string({ defaultValue: 'UTC', description: 'On whose clocks, "Europe/Vienna".' }),
    catchUp: t.field({ type: CatchUpEnum, defaultValue: 'ONE' }),
  }),
});

builder.mutationField('upsertTaskSchedule', (t) =>
  t.field({
    type: TaskScheduleResult,
    description: 'Runs a task again and again. Programs may call it whenever they start.',
    authScopes: { roles: ['producer', 'supervisor', 'operator'] },
    args: { input: t.arg({ type: UpsertTaskScheduleInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }) => ({
      schedule: await services.upsertTaskSchedule(actor, input),
    }),
  }),
);

const HoldTaskScheduleInput = builder.inputType('HoldTaskScheduleInput', {
  fields: (t) => ({
    namespace: t.string({ required: true }),
    name: t.string({ required: true }),
    reason: t.string({ description: 'For the audit trail; at most 2,000 characters.' }),
  }),
});

const authScopes = { roles: taskOperators };

builder.mutationField('pauseTaskSchedule', (t) =>
  t.field({
    type: TaskScheduleResult,
    description: 'No run comes until it is resumed; the next one is cancelled.',
    authScopes,
    args: { input: t.arg({ type: HoldTaskScheduleInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }) => ({
      schedule: await services.pauseTaskSchedule(actor, input),
    }),
  }),
);

builder.mutationField('resumeTaskSchedule', (t) =>
  t.field({
    type: TaskScheduleResult,
    description: 'Goes on with the first run after now.',
    authScopes,
    args: { input: t.arg({ type: HoldTaskScheduleInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }) => ({
      schedule: await services.resumeTaskSchedule(actor, input),
    }),
  }),
);

const TaskScheduleDeleted = builder
  .objectRef<{ readonly name: string }>('TaskScheduleDeleted')
  .implement({ fields: (t) => ({ name: t.exposeString('name') }) });

const DeleteTaskScheduleResult = builder.unionType('DeleteTaskScheduleResult', {
  types: [TaskScheduleDeleted, Refused],
  resolveType: () => TaskScheduleDeleted,
});

builder.mutationField('deleteTaskSchedule', (t) =>
  t.field({
    type: DeleteTaskScheduleResult,
    description: 'The next run is cancelled; what ran stays.',
    authScopes,
    args: { input: t.arg({ type: HoldTaskScheduleInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }) => {
      await services.deleteTaskSchedule(actor, input);
      return { name: input.name };
    },
  }),
);
