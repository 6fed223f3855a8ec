import { taskEventTypes } from '../../domain/task.ts';
import { taskReaders } from '../../tasks/find-task.ts';
import type { JobUpdate } from '../../tasks/watch-jobs.ts';
import { builder } from '../builder.ts';
import { JobRef, TaskRef } from '../types/task.ts';

const JobUpdateType = builder.enumType('JobUpdateType', {
  values: [...taskEventTypes, 'RESYNC'] as const,
  description: 'RESYNC ends the subscription of a client that is too slow: subscribe again after its cursor.',
});

const JobUpdateRef = builder.objectRef<JobUpdate>('JobUpdate').implement({
  fields: (t) => ({
    cursor: t.exposeString('cursor', { description: 'For `after`: everything later is replayed from there.' }),
    at: t.field({ type: 'DateTime', resolve: (update) => update.at }),
    type: t.field({
      type: JobUpdateType,
      resolve: (update) => update.type as (typeof taskEventTypes)[number] | 'RESYNC',
    }),
    job: t.field({
      type: JobRef,
      nullable: true,
      description: 'The job as it is now. Null for RESYNC.',
      resolve: (update) => update.job,
    }),
    task: t.field({
      type: TaskRef,
      nullable: true,
      description: 'The task to which it happened, as it is now. Null for RESYNC.',
      resolve: (update) => update.task,
    }),
    actor: t.exposeString('actor', { nullable: true, description: 'Who did it: a person, or the worker.' }),
  }),
});

builder.subscriptionField('jobUpdated', (t) =>
  t.field({
    type: JobUpdateRef,
    description: 'What happens to jobs and their tasks: first what was missed since `after`, then live.',
    authScopes: { roles: taskReaders },
    args: {
      namespace: t.arg.string({ required: true }),
      jobId: t.arg.id(),
      after: t.arg.string({ description: 'The cursor of the last update that arrived.' }),
    },
    subscribe: (_root, args, { actor, services }) => services.watchJobs(actor, args),
    resolve: (update) => update,
  }),
);
