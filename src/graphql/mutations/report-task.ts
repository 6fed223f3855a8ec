import type { TaskRecord } from '../../domain/task.ts';
import { taskConsumers } from '../../tasks/claim-tasks.ts';
import type { ExtendedLease } from '../../tasks/heartbeat.ts';
import { builder } from '../builder.ts';
import type { LeaseLostShape } from '../types/problems.ts';
import { LeaseLost } from '../types/problems.ts';
import { itemLeaseLost } from '../types/queue.ts';
import { TaskRef } from '../types/task.ts';

interface TaskReportedShape {
  readonly kind: 'TaskReported';
  readonly task: TaskRecord;
}

const TaskReported = builder.objectRef<TaskReportedShape>('TaskReported').implement({
  description: 'It is in the record, and the lease has ended.',
  fields: (t) => ({ task: t.field({ type: TaskRef, resolve: (result) => result.task }) }),
});

type Shape = TaskReportedShape | LeaseLostShape;

const ReportTaskResult = builder.unionType('ReportTaskResult', {
  types: [TaskReported, LeaseLost],
  resolveType: (value) => (value as Shape).kind,
});

function toShape(task: TaskRecord | undefined): Shape {
  return task === undefined ? itemLeaseLost : { kind: 'TaskReported', task };
}

interface TaskLeaseExtendedShape extends ExtendedLease {
  readonly kind: 'TaskLeaseExtended';
}

const TaskLeaseExtended = builder.objectRef<TaskLeaseExtendedShape>('TaskLeaseExtended').implement({
  fields: (t) => ({
    expiresAt: t.expose('expiresAt', { type: 'DateTime' }),
    serverTime: t.expose('serverTime', { type: 'DateTime' }),
  }),
});

type HeartbeatShape = TaskLeaseExtendedShape | LeaseLostShape;

const HeartbeatTaskResult = builder.unionType('HeartbeatTaskResult', {
  types: [TaskLeaseExtended, LeaseLost],
  resolveType: (value) => (value as HeartbeatShape).kind,
});

const authScopes = { roles: taskConsumers };

const HeartbeatTaskInput = builder.inputType('HeartbeatTaskInput', {
  fields: (t) => ({
    namespace: t.string({ required: true }),
    taskId: t.id({ required: true }),
    leaseToken: t.string({ required: true }),
    leaseSeconds: t.int({ defaultValue: 60, description: 'From now, 1 to 43,200; twelve hours in all.' }),
  }),
});

builder.mutationField('heartbeatTask', (t) =>
  t.field({
    type: HeartbeatTaskResult,
    description:
      'Keeps a task: send it three times within the lease. LeaseLost: the task was cancelled or taken; stop working on it.',
    authScopes,
    args: { input: t.arg({ type: HeartbeatTaskInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }): Promise<HeartbeatShape> => {
      const lease = await services.heartbeatTask(actor, input);
      return lease === undefined ? itemLeaseLost : { ...lease, kind: 'TaskLeaseExtended' };
    },
  }),
);

const CompleteTaskInput = builder.inputType('CompleteTaskInput', {
  fields: (t) => ({
    namespace: t.string({ required: true }),
    taskId: t.id({ required: true }),
    leaseToken: t.string({ required: true }),
    result: t.field({ type: 'JSON', description: 'Kept with the task; at most 16 KB.' }),
  }),
});

builder.mutationField('completeTask', (t) =>
  t.field({
    type: ReportTaskResult,
    description: 'The task is done.',
    authScopes,
    args: { input: t.arg({ type: CompleteTaskInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }) => toShape(await services.completeTask(actor, input)),
  }),
);

const FailTaskInput = builder.inputType('FailTaskInput', {
  fields: (t) => ({
    namespace: t.string({ required: true }),
    taskId: t.id({ required: true }),
    leaseToken: t.string({ required: true }),
    error: t.string({ required: true, description: 'What operators get to read; at most 2,000 characters.' }),
    fatal: t.boolean({ defaultValue: false, description: 'Trying again cannot help.' }),
    retryAfterSeconds: t.int({ description: 'When to try again; the kind’s own rule without it.' }),
  }),
});

builder.mutationField('failTask', (t) =>
  t.field({
    type: ReportTaskResult,
    description: 'The attempt failed: it is tried again after a wait, unless it is fatal or was the last one.',
    authScopes,
    args: { input: t.arg({ type: FailTaskInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }) => toShape(await services.failTask(actor, input)),
  }),
);

const ReleaseTaskInput = builder.inputType('ReleaseTaskInput', {
  fields: (t) => ({
    namespace: t.string({ required: true }),
    taskId: t.id({ required: true }),
    leaseToken: t.string({ required: true }),
    reason: t.string({ description: 'For the audit trail; at most 2,000 characters.' }),
  }),
});

builder.mutationField('releaseTask', (t) =>
  t.field({
    type: ReportTaskResult,
    description: 'Gives the task back unfinished: the attempt does not count, and another worker may have it at once.',
    authScopes,
    args: { input: t.arg({ type: ReleaseTaskInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }) => toShape(await services.releaseTask(actor, input)),
  }),
);
