import type { JobRecord, JobStatus, TaskAttempt, TaskEventType, TaskRecord, TaskStatus } from '../../domain/task.ts';
import { attemptOutcomes, jobStatuses, taskEventTypes, taskStatuses, waitReasons } from '../../domain/task.ts';
import type { ItemEvent } from '../../events/item-history.ts';
import { taskReaders } from '../../tasks/find-task.ts';
import type { StatusCounts, TaskKind } from '../../tasks/list-tasks.ts';
import { builder } from '../builder.ts';
import { pageArguments, readPage } from '../pages.ts';

export const TaskStatusEnum = builder.enumType('TaskStatus', {
  values: taskStatuses,
  description:
    'SCHEDULED waits for its time, AVAILABLE for a worker, RUNNING is held by one, RETRYABLE failed and waits for its next attempt. FAILED: attempts used up or a fatal error; a retry puts it back.',
});
export const JobStatusEnum = builder.enumType('JobStatus', {
  values: jobStatuses,
  description: 'OPEN while a task is. Cancelled tasks count only when there are no others.',
});
const AttemptOutcomeEnum = builder.enumType('TaskAttemptOutcome', {
  values: attemptOutcomes,
  description: 'LOST: the worker gave no answer before its lease ended. RETURNED: given back unfinished, not counted.',
});
const WaitReasonEnum = builder.enumType('TaskWaitReason', {
  values: waitReasons,
  description:
    'TIME: its own has not come. RETRY: that of its next attempt. DEPENDENCIES: other tasks of its job come first. PAUSED, CONCURRENCY_LIMIT and RATE_LIMIT hold its kind or its namespace back. WORKER: it is in line for one.',
});
const TaskEventTypeEnum = builder.enumType('TaskEventType', { values: taskEventTypes });

const TaskAttemptRef = builder.objectRef<TaskAttempt>('TaskAttempt').implement({
  description: 'An attempt that has ended.',
  fields: (t) => ({
    number: t.exposeInt('number', { description: 'Rises with every attempt, over all retries by hand.' }),
    worker: t.exposeString('worker'),
    startedAt: t.expose('startedAt', { type: 'DateTime' }),
    endedAt: t.expose('endedAt', { type: 'DateTime' }),
    outcome: t.expose('outcome', { type: AttemptOutcomeEnum }),
    error: t.exposeString('error', { nullable: true }),
  }),
});

const TaskEventRef = builder.objectRef<ItemEvent>('TaskEvent').implement({
  description: 'An entry of a task’s audit trail.',
  fields: (t) => ({
    type: t.field({ type: TaskEventTypeEnum, resolve: (event) => event.type as TaskEventType }),
    at: t.expose('at', { type: 'DateTime' }),
    actor: t.exposeString('actor', { description: 'A person, or the worker.' }),
    attempt: t.exposeInt('attempt', { nullable: true }),
    reason: t.exposeString('reason', { nullable: true, description: 'Why, or the error of an attempt.' }),
  }),
});

const TaskEventConnection = builder.connectionObject(
  { type: TaskEventRef, name: 'TaskEventConnection' },
  { name: 'TaskEventEdge' },
);

export const JobRef = builder.objectRef<JobRecord>('Job');
export const TaskRef = builder.objectRef<TaskRecord>('Task');
TaskRef.implement({
  fields: (t) => ({
    id: t.exposeID('id'),
    namespace: t.exposeString('namespace'),
    kind: t.exposeString('kind'),
    status: t.expose('status', { type: TaskStatusEnum }),
    job: t.field({ type: JobRef, resolve: (task, _args, { services }) => services.taskStore.getJob(task.jobId) }),
    payload: t.expose('payload', { type: 'JSON', nullable: true }),
    priority: t.exposeInt('priority', { description: 'Lower is sooner.' }),
    runAt: t.expose('runAt', { type: 'DateTime', description: 'When it was first to run.' }),
    nextRunAt: t.expose('nextRunAt', { type: 'DateTime', nullable: true, description: 'While it waits for its time.' }),
    attemptCount: t.exposeInt('attemptsCounted', {
      description: 'Attempts that count against `maxAttempts`: those since the last retry by hand.',
    }),
    maxAttempts: t.exposeInt('maxAttempts'),
    attempts: t.field({
      type: [TaskAttemptRef],
      description: 'Attempts that have ended, the last 100, oldest first.',
      complexity: { field: 1, multiplier: 3 },
      resolve: async (task, _args, { services }) => [...(await services.taskStore.attemptsOf(task.id))],
    }),
    finishedAt: t.expose('finishedAt', { type: 'DateTime', nullable: true }),
    result: t.expose('result', { type: 'JSON', nullable: true, description: 'What its handler gave back.' }),
    error: t.exposeString('error', { nullable: true, description: 'Of the last attempt that failed.' }),
    waitsFor: t.field({
      type: WaitReasonEnum,
      nullable: true,
      description: 'While it waits.',
      resolve: async (task, _args, { services }) =>
        task.finishedAt === null ? ((await services.taskStore.waitReasonOf(task.id)) ?? null) : null,
    }),
    uniqueKey: t.exposeString('uniqueKey', { nullable: true }),
    name: t.exposeString('name', { nullable: true, description: 'By which other tasks of its job name it.' }),
    dependsOn: t.field({
      type: [TaskRef],
      description: 'The tasks of its job that come before it.',
      complexity: { field: 1, multiplier: 3 },
      resolve: async (task, _args, { services }) => [...(await services.taskStore.dependenciesOf(task.id))],
    }),
    events: t.field({
      type: TaskEventConnection,
      args: pageArguments,
      description: 'What happened to it, oldest first.',
      resolve: async (task, args, { services }) => {
        const { first, after } = readPage(args);
        const page = await services.taskHistory(task.id, first, after ?? null);
        const edges = page.events.map((event) => ({ cursor: event.cursor, node: event }));
        return toConnection({ edges, hasNextPage: page.hasNextPage }, after);
      },
    }),
  }),
});

JobRef.implement({
  description: 'Something that happened in a business, with what has to be done because of it.',
  fields: (t) => ({
    id: t.exposeID('id'),
    namespace: t.exposeString('namespace'),
    kind: t.exposeString('kind'),
    externalId: t.exposeString('externalId', {
      nullable: true,
      description: 'Its name in the producer’s own records.',
    }),
    status: t.expose('status', { type: JobStatusEnum }),
    createdBy: t.exposeString('createdBy'),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    tasks: t.field({
      type: [TaskRef],
      complexity: { field: 1, multiplier: 5 },
      resolve: async (job, _args, { services }) => [...(await services.taskStore.tasksOf(job.id))],
    }),
  }),
});

const JobConnection = builder.connectionObject({ type: JobRef, name: 'JobConnection' }, { name: 'JobEdge' });
const TaskConnection = builder.connectionObject({ type: TaskRef, name: 'TaskConnection' }, { name: 'TaskEdge' });

function toConnection<Node>(
  page: {
    readonly edges: readonly { readonly cursor: string; readonly node: Node }[];
    readonly hasNextPage: boolean;
    readonly partialShards?: readonly number[];
  },
  after: string | undefined,
) {
  return {
    partialShards: page.partialShards ?? [],
    edges: [...page.edges],
    pageInfo: {
      hasNextPage: page.hasNextPage,
      hasPreviousPage: after !== undefined,
      startCursor: page.edges[0]?.cursor ?? null,
      endCursor: page.edges.at(-1)?.cursor ?? null,
    },
  };
}

const TaskKindRef = builder.objectRef<TaskKind>('TaskKind').implement({
  description: 'A kind of task that a namespace has used, with how many of its tasks stand how.',
  fields: (t) => ({
    kind: t.exposeString('kind'),
    scheduled: t.exposeInt('scheduled'),
    available: t.exposeInt('available'),
    running: t.exposeInt('running'),
    retryable: t.exposeInt('retryable'),
    failed: t.exposeInt('failed'),
  }),
});

export const TaskFilterInput = builder.inputType('TaskFilter', {
  fields: (t) => ({
    kind: t.stringList({ description: 'Any of these; at most 50.' }),
    status: t.field({ type: [TaskStatusEnum] }),
    jobId: t.id(),
    externalId: t.string({ description: 'What its job is named in the producer’s own records.' }),
    createdAfter: t.field({ type: 'DateTime', description: 'To the millisecond, this one included.' }),
    createdBefore: t.field({ type: 'DateTime' }),
    error: t.string({ description: 'A text within its last error; upper and lower case are the same.' }),
  }),
});

const JobFilterInput = builder.inputType('JobFilter', {
  fields: (t) => ({
    kind: t.stringList({ description: 'Any of these; at most 50.' }),
    status: t.field({ type: [JobStatusEnum] }),
    externalId: t.string(),
    createdAfter: t.field({ type: 'DateTime', description: 'To the millisecond, this one included.' }),
    createdBefore: t.field({ type: 'DateTime' }),
    error: t.string({ description: 'A text within the last error of one of its tasks.' }),
  }),
});

const TaskCountsRef = builder.objectRef<StatusCounts<TaskStatus>>('TaskCounts').implement({
  description: 'How many tasks stand how.',
  fields: (t) => ({
    scheduled: t.int({ resolve: ({ counts }) => counts.get('SCHEDULED') ?? 0 }),
    available: t.int({ resolve: ({ counts }) => counts.get('AVAILABLE') ?? 0 }),
    running: t.int({ resolve: ({ counts }) => counts.get('RUNNING') ?? 0 }),
    retryable: t.int({ resolve: ({ counts }) => counts.get('RETRYABLE') ?? 0 }),
    succeeded: t.int({ resolve: ({ counts }) => counts.get('SUCCEEDED') ?? 0 }),
    failed: t.int({ resolve: ({ counts }) => counts.get('FAILED') ?? 0 }),
    cancelled: t.int({ resolve: ({ counts }) => counts.get('CANCELLED') ?? 0 }),
    isComplete: t.exposeBoolean('isComplete', { description: 'False: only the newest 50,000 were counted.' }),
  }),
});

const JobCountsRef = builder.objectRef<StatusCounts<JobStatus>>('JobCounts').implement({
  description: 'How many jobs stand how.',
  fields: (t) => ({
    open: t.int({ resolve: ({ counts }) => counts.get('OPEN') ?? 0 }),
    succeeded: t.int({ resolve: ({ counts }) => counts.get('SUCCEEDED') ?? 0 }),
    partiallyFailed: t.int({ resolve: ({ counts }) => counts.get('PARTIALLY_FAILED') ?? 0 }),
    failed: t.int({ resolve: ({ counts }) => counts.get('FAILED') ?? 0 }),
    cancelled: t.int({ resolve: ({ counts }) => counts.get('CANCELLED') ?? 0 }),
    isComplete: t.exposeBoolean('isComplete', { description: 'False: only the newest 50,000 were counted.' }),
  }),
});

const authScopes = { roles: taskReaders };

builder.queryFields((t) => ({
  job: t.field({
    type: JobRef,
    nullable: true,
    authScopes,
    args: { id: t.arg.id({ required: true }) },
    resolve: (_root, { id }, { actor, services }) => services.findJob(actor, id),
  }),
  task: t.field({
    type: TaskRef,
    nullable: true,
    authScopes,
    args: { id: t.arg.id({ required: true }) },
    resolve: (_root, { id }, { actor, services }) => services.findTask(actor, id),
  }),
  jobs: t.field({
    type: JobConnection,
    description: 'Newest first.',
    authScopes,
    args: { namespace: t.arg.string({ required: true }), filter: t.arg({ type: JobFilterInput }), ...pageArguments },
    resolve: async (_root, { namespace, filter, ...page }, { actor, services }) => {
      const { first, after } = readPage(page);
      const found = await services.listJobs(actor, { namespace, filter: filter ?? null, first, after: after ?? null });
      return toConnection(found, after);
    },
  }),
  tasks: t.field({
    type: TaskConnection,
    description: 'Newest first.',
    authScopes,
    args: { namespace: t.arg.string({ required: true }), filter: t.arg({ type: TaskFilterInput }), ...pageArguments },
    resolve: async (_root, { namespace, filter, ...page }, { actor, services }) => {
      const { first, after } = readPage(page);
      const found = await services.listTasks(actor, { namespace, filter: filter ?? null, first, after: after ?? null });
      return toConnection(found, after);
    },
  }),
  taskCounts: t.field({
    type: TaskCountsRef,
    authScopes,
    args: { namespace: t.arg.string({ required: true }), filter: t.arg({ type: TaskFilterInput }) },
    resolve: (_root, { namespace, filter }, { actor, services }) => services.countTasks(actor, namespace, filter),
  }),
  jobCounts: t.field({
    type: JobCountsRef,
    authScopes,
    args: { namespace: t.arg.string({ required: true }), filter: t.arg({ type: JobFilterInput }) },
    resolve: (_root, { namespace, filter }, { actor, services }) => services.countJobs(actor, namespace, filter),
  }),
  taskKinds: t.field({
    type: [TaskKindRef],
    authScopes,
    args: { namespace: t.arg.string({ required: true }) },
    resolve: async (_root, { namespace }, { actor, services }) => [...(await services.listTaskKinds(actor, namespace))],
  }),
}));
