import type { JobRecord } from '../../domain/task.ts';
import { builder } from '../builder.ts';
import type { IdempotencyConflictShape } from '../types/problems.ts';
import { IdempotencyConflict, idempotencyConflict } from '../types/problems.ts';
import { JobRef } from '../types/task.ts';

interface JobCreatedShape {
  readonly kind: 'JobCreated';
  readonly job: JobRecord;
}

const JobCreated = builder.objectRef<JobCreatedShape>('JobCreated').implement({
  description: 'The job and its tasks are in the record and will be done.',
  fields: (t) => ({ job: t.field({ type: JobRef, resolve: (result) => result.job }) }),
});

type Shape = JobCreatedShape | IdempotencyConflictShape;

const CreateJobResult = builder.unionType('CreateJobResult', {
  types: [JobCreated, IdempotencyConflict],
  resolveType: (value) => (value as Shape).kind,
});

const TaskInput = builder.inputType('TaskInput', {
  fields: (t) => ({
    kind: t.string({ required: true, description: 'Which handler does it, for instance "webhook".' }),
    payload: t.field({ type: 'JSON', description: 'What the handler is given; at most 64 KB.' }),
    priority: t.int({ defaultValue: 0, description: 'Lower is sooner; any 32-bit integer.' }),
    runAt: t.field({ type: 'DateTime', description: 'Not before this time; at once without it.' }),
    maxAttempts: t.int({ description: '1 to 100; the kind’s own number without it.' }),
  }),
});

const CreateJobInput = builder.inputType('CreateJobInput', {
  fields: (t) => ({
    namespace: t.string({ required: true }),
    kind: t.string({ required: true, description: 'What happened, for instance "order-placed".' }),
    externalId: t.string({ description: 'Its name in the producer’s own records.' }),
    tasks: t.field({ type: [TaskInput], required: true, description: '1 to 100.' }),
    idempotencyKey: t.string({ description: 'The same key and input give the first result again.' }),
  }),
});

builder.mutationField('createJob', (t) =>
  t.field({
    type: CreateJobResult,
    description: 'Creates a job with its tasks, in one transaction.',
    authScopes: { roles: ['producer', 'supervisor', 'operator'] },
    args: { input: t.arg({ type: CreateJobInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }): Promise<Shape> => {
      const result = await services.createJob(actor, input);
      return result.kind === 'created' ? { kind: 'JobCreated', job: result.job } : idempotencyConflict();
    },
  }),
);
