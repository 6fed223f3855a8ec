import type { ClaimedTask, ClaimTasksResult } from '../../tasks/claim-tasks.ts';
import { taskConsumers } from '../../tasks/claim-tasks.ts';
import { builder } from '../builder.ts';
import { Refused } from '../types/problems.ts';
import { TaskRef } from '../types/task.ts';

const TaskLeaseRef = builder.objectRef<ClaimedTask['lease']>('TaskLease').implement({
  fields: (t) => ({
    token: t.exposeString('token', { description: 'Proves the lease in everything that is told about the task.' }),
    holder: t.exposeString('holder'),
    acquiredAt: t.expose('acquiredAt', { type: 'DateTime' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime' }),
    serverTime: t.expose('serverTime', {
      type: 'DateTime',
      description: 'To count from, whatever one’s own clock says.',
    }),
  }),
});

const ClaimedTaskRef = builder.objectRef<ClaimedTask>('ClaimedTask').implement({
  fields: (t) => ({
    task: t.field({ type: TaskRef, resolve: (claimed) => claimed.task }),
    attempt: t.exposeInt('attempt', { description: 'From 1; those before have failed, or were lost.' }),
    lease: t.field({ type: TaskLeaseRef, resolve: (claimed) => claimed.lease }),
  }),
});

const TasksClaimed = builder.objectRef<ClaimTasksResult>('TasksClaimed').implement({
  description: 'None when none came in time.',
  fields: (t) => ({
    tasks: t.field({
      type: [ClaimedTaskRef],
      complexity: { field: 1, multiplier: 5 },
      resolve: (result) => [...result.tasks],
    }),
    heldBackKinds: t.stringList({
      description: 'Kinds that are paused or have reached a limit.',
      resolve: (result) => [...result.heldBackKinds],
    }),
  }),
});

const ClaimTasksResultUnion = builder.unionType('ClaimTasksResult', {
  types: [TasksClaimed, Refused],
  resolveType: () => TasksClaimed,
});

const ClaimTasksInput = builder.inputType('ClaimTasksInput', {
  fields: (t) => ({
    namespace: t.string({ required: true }),
    kinds: t.stringList({ required: true, description: '1 to 10; the first named comes first.' }),
    count: t.int({ defaultValue: 1, description: 'At most so many, 1 to 100.' }),
    waitMs: t.int({ defaultValue: 0, description: 'How long to wait for the first; at most 30,000.' }),
    leaseSeconds: t.int({
      defaultValue: 60,
      description: '1 to 43,200. A worker that is silent for so long is taken for dead, and another gets the task.',
    }),
  }),
});

builder.mutationField('claimTasks', (t) =>
  t.field({
    type: ClaimTasksResultUnion,
    description: 'Hands tasks to a worker outside, each under a lease.',
    authScopes: { roles: taskConsumers },
    args: { input: t.arg({ type: ClaimTasksInput, required: true }) },
    resolve: (_root, { input }, { actor, services, signal }) => services.claimTasks(actor, input, signal),
  }),
);
