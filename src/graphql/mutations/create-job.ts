import type { JobRecord, TaskRecord } from '../../domain/task.ts';
import { failureRules } from '../../tasks/job-input.ts';
import type { ProblemShape } from '../builder.ts';
import { builder, Problem } from '../builder.ts';
import type { IdempotencyConflictShape } from '../types/problems.ts';
import { IdempotencyConflict, idempotencyConflict } from '../types/problems.ts';
import { JobRef, TaskRef } from '../types/task.ts';

interface JobCreatedShape {
  readonly kind: 'JobCreated';
  readonly job: JobRecord;
  readonly existing: readonly TaskRecord[];
}

const JobCreated = builder.objectRef<JobCreatedShape>('JobCreated').implement({
  description: 'The job and its tasks are in the record and will be done.',
  fields: (t) => ({
    job: t.field({
      type: JobRef,
      description: 'When every task existed already, the job of the first.',
      resolve: (result) => result.job,
    }),
    existingTasks: t.field({
      type: [TaskRef],
      description: 'Tasks of other jobs that have the unique keys of tasks with RETURN_EXISTING.',
      complexity: { field: 1, multiplier: 5 },
      resolve: (result) => [...result.existing],
    }),
  }),
});

interface TaskKeyTakenShape extends ProblemShape {
  readonly kind: 'TaskKeyTaken';
  readonly place: number;
  readonly task: TaskRecord;
}

const TaskKeyTaken = builder.objectRef<TaskKeyTakenShape>('TaskKeyTaken').implement({
  interfaces: [Problem],
  description: 'Another task of the kind has the unique key. Nothing was created.',
  fields: (t) => ({
    place: t.exposeInt('place', { description: 'Which of the input’s tasks, from 0.' }),
    task: t.field({ type: TaskRef, description: 'The one that has the key.', resolve: (problem) => problem.task }),
  }),
});

type Shape = JobCreatedShape | IdempotencyConflictShape | TaskKeyTakenShape;

const CreateJobResult = builder.unionType('CreateJobResult', {
  types: [JobCreated, IdempotencyConflict, TaskKeyTaken],
  resolveType: (value) => (value as Shape).kind,
});

const UniqueKeyConflict = builder.enumType('UniqueKeyConflict', {
  description: 'What happens when an unfinished task of the same namespace and kind has the key.',
  values: {
    REJECT: { description: 'Nothing is created, and that task is named.' },
    RETURN_EXISTING: { description: 'That task is given back, and no other made.' },
    REPLACE: { description: 'That task is cancelled and the new one made. One that runs is let run.' },
    KEEP_TIME: { description: 'As REPLACE, and the new task runs when the replaced one would have.' },
  } as const,
});

const DependencyFailure = builder.enumType('DependencyFailure', {
  values: failureRules,
  description:
    'What becomes of a task when one that it waits for fails or is cancelled. WAIT: it waits until that one is retried and succeeds. CANCEL: it is cancelled, too. RUN: it runs all the same.',
});

const TaskInput = builder.inputType('TaskInput', {
  fields: (t) => ({
    kind: t.string({ required: true, description: 'Which handler does it, for instance "webhook".' }),
    payload: t.field({ type: 'JSON', description: 'What the handler is given; at most 64 KB.' }),
    priority: t.int({ defaultValue: 0, description: 'Lower is sooner; any 32-bit integer.' }),
    runAt: t.field({ type: 'DateTime', description: 'Not before this time; at once without it.' }),
    maxAttempts: t.int({ description: '1 to 100; the kind’s own number without it.' }),
    uniqueKey: t.string({
      description: 'While a task with this key is unfinished there is no other of its namespace and kind.',
    }),
    onConflict: t.field({ type: UniqueKeyConflict, description: 'REJECT without it.' }),
    uniqueSeconds: t.int({
      description:
        'For REJECT and RETURN_EXISTING: a task that ended counts, too, for so long after its creation; at most 31 days.',
    }),
    name: t.string({ description: 'By which other tasks of the job name it.' }),
    dependsOn: t.stringList({
      description: 'Tasks of the job that must succeed before: their names, or places in the list from "0".',
    }),
    onDependencyFailure: t.field({ type: DependencyFailure, description: 'WAIT without it.' }),
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
      if (result.kind === 'created') return { kind: 'JobCreated', job: result.job, existing: result.existing };
      if (result.kind === 'idempotencyConflict') return idempotencyConflict();
      const message = `Another task of its kind has the unique key of task ${result.place}`;
      return { ...result, kind: 'TaskKeyTaken', code: 'TASK_KEY_TAKEN', message, retryable: true };
    },
  }),
);
