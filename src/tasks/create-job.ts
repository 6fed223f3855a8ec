import { crashPoint } from '../crash-point.ts';
import type { Actor } from '../domain/actor.ts';
import { requireRole } from '../domain/actor.ts';
import { unavailable } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { parseIdempotencyKey, parseName, parseText } from '../domain/names.ts';
import type { JobRecord, TaskRecord } from '../domain/task.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement, toDate } from '../postgres/sql.ts';
import type { Announcer } from '../queue/announcements.ts';
import { announceReady } from '../queue/announcements.ts';
import { createBatcher } from '../queue/batcher.ts';
import type { Topics } from '../queue/topics.ts';
import { currentTraceparent } from '../telemetry/traceparent.ts';
import { commitKeyedJob } from './create-keyed-job.ts';
import type { TaskInput } from './job-input.ts';
import { hashRequest, parseTasks } from './job-input.ts';
import type { NewJob, NewTask } from './new-job.ts';
import { edgesOf } from './new-job.ts';
import type { TaskStore } from './store.ts';
import type { AnyTaskHandler } from './task-handler.ts';
import { requireOpenKind } from './task-handler.ts';

const createJobs = loadStatement('create-jobs');
const readKey = loadStatement('read-idempotency-key');
/** Jobs are large beside cases: so many at most go into one statement. */
const jobsPerStatement = 32;
/** Jobs whose tasks have unique keys are created one by one; so many at once. */
const keyedJobsAtOnce = 4;

export interface CreateJobInput {
  readonly namespace: string;
  readonly kind: string;
  readonly externalId?: string | null;
  readonly tasks: readonly TaskInput[];
  readonly idempotencyKey?: string | null;
}

export type CreateJobResult =
  | {
      readonly kind: 'created';
      readonly job: JobRecord;
      readonly tasks: readonly TaskRecord[];
      /** Those that were there already under their unique keys. When all were, the job is that of the first. */
      readonly existing: readonly TaskRecord[];
    }
  | { readonly kind: 'idempotencyConflict' }
  /** Another task has the unique key of the task at that place. Nothing was created. */
  | { readonly kind: 'keyTaken'; readonly place: number; readonly task: TaskRecord };

interface Outcome {
  readonly outcome: 'created' | 'key';
  readonly at: string;
}

export interface CreateJobDependencies {
  readonly shard: Shard;
  readonly topics: Topics;
  readonly store: TaskStore;
  readonly announcer: Announcer;
  readonly newId: (shard: number) => string;
  /** The kinds that are known here: their payloads are checked at once. Others are taken as they come. */
  readonly handlers: readonly AnyTaskHandler[];
  readonly now: () => number;
  readonly observeBatch?: (rows: number, milliseconds: number) => void;
}

/**
 * Creates a job with its tasks: all of it is committed together, then tickets are issued. The tasks can run when this
 * answers.
 * @returns a function that throws Fault `FORBIDDEN`, `BAD_USER_INPUT`, `BACKPRESSURE` or `UNAVAILABLE`
 */
export function createCreateJob(
  dependencies: CreateJobDependencies,
): (actor: Actor | undefined, input: CreateJobInput) => Promise<CreateJobResult> {
  const { shard, topics, store, announcer, newId } = dependencies;
  const handlers = new Map(dependencies.handlers.map((handler) => [handler.kind, handler]));
  const commit = createBatcher<NewJob, Outcome>({
    run: (jobs) => commitJobs(shard, announcer, jobs),
    rowsMax: jobsPerStatement,
    ...(dependencies.observeBatch === undefined ? {} : { observe: dependencies.observeBatch }),
  });
  const commitKeyed = createBatcher<NewJob, Awaited<ReturnType<typeof commitKeyedJob>>>({
    run: async ([job]) => [await commitKeyedJob(dependencies, job!)],
    rowsMax: 1,
    concurrent: keyedJobsAtOnce,
  });
  return async (maybeActor, input) => {
    const namespace = parseName('input.namespace', input.namespace);
    const actor = requireRole(maybeActor, namespace, ['producer', 'supervisor', 'operator']);
    const kind = parseName('input.kind', input.kind);
    const externalId =
      input.externalId === null || input.externalId === undefined
        ? null
        : parseText('input.externalId', input.externalId, { charactersMax: limits.textCharacters });
    const idempotencyKey = parseIdempotencyKey('input.idempotencyKey', input.idempotencyKey);
    const parsed = parseTasks(input.tasks, handlers, dependencies.now());
    for (const [place, task] of parsed.entries()) {
      requireOpenKind(`input.tasks.${place}.kind`, handlers.get(task.kind), actor);
    }
    const tasks: NewTask[] = [];
    for (const task of parsed) {
      const topic = topics.known(namespace, 'tasks', task.kind) ?? (await topics.ensure(namespace, 'tasks', task.kind));
      tasks.push({ ...task, id: newId(shard.number), topic });
    }
    const job: NewJob = {
      id: newId(shard.number),
      namespace,
      kind,
      externalId,
      creator: actor.subject,
      tasks,
      idempotencyKey,
      requestHash: idempotencyKey === null ? null : hashRequest(kind, externalId, parsed),
      traceparent: currentTraceparent(),
    };
    if (tasks.some((task) => task.uniqueKey !== null)) {
      const result = await commitKeyed(job);
      return result.kind === 'key' ? readEarlier(shard, store, job) : result;
    }
    const { outcome, at } = await commit(job);
    if (outcome === 'created') return { kind: 'created', ...toRecords(job, toDate(at)), existing: [] };
    return readEarlier(shard, store, job);
  };
}

/** The idempotency key was used before: by the same request, which gets the first result again, or by another one. */
async function readEarlier(shard: Shard, store: TaskStore, entry: NewJob): Promise<CreateJobResult> {
  const rows = await shard.run<{ result_id: string; request_hash: string }>(readKey, [
    entry.namespace,
    entry.creator,
    'createJob',
    entry.idempotencyKey,
  ]);
  const earlier = rows[0];
  if (earlier === undefined) throw unavailable(100); // it was pruned between the two statements: the next call creates
  if (earlier.request_hash !== entry.requestHash) return { kind: 'idempotencyConflict' };
  const [job, tasks] = await Promise.all([store.getJob(earlier.result_id), store.tasksOf(earlier.result_id)]);
  return { kind: 'created', job, tasks, existing: [] };
}

async function commitJobs(shard: Shard, announcer: Announcer, jobs: readonly NewJob[]): Promise<Outcome[]> {
  const tasks = jobs.flatMap((job, index) =>
    job.tasks.map((task, place) => ({ job: index + 1, place, traceparent: job.traceparent, ...task })),
  );
  const edges = jobs.flatMap((job) => edgesOf(job));
  const rows = await shard.run<Outcome & { n: number }>(createJobs, [
    jobs.map((job) => job.id),
    jobs.map((job) => job.namespace),
    jobs.map((job) => job.kind),
    jobs.map((job) => job.externalId),
    jobs.map((job) => job.creator),
    jobs.map((job) => job.idempotencyKey),
    jobs.map((job) => job.requestHash),
    tasks.map((task) => task.job),
    tasks.map((task) => task.id),
    tasks.map((task) => task.topic.id),
    tasks.map((task) => task.kind),
    tasks.map((task) => task.payload),
    tasks.map((task) => task.priority),
    tasks.map((task) => task.runAt?.toISOString() ?? null),
    tasks.map((task) => task.maxAttempts),
    tasks.map((task) => task.place),
    tasks.map((task) => task.name),
    tasks.map(() => null),
    tasks.map((task) => task.traceparent),
    tasks.map((task) => task.failureRule),
    edges.map((edge) => edge.task),
    edges.map((edge) => edge.target),
  ]);
  const answers = new Array<Outcome>(jobs.length);
  const created: { job: NewJob; at: string }[] = [];
  for (const row of rows) {
    answers[row.n - 1] = row;
    if (row.outcome === 'created') created.push({ job: jobs[row.n - 1]!, at: row.at });
  }
  if (created.length === 0) return answers;
  crashPoint('create_job_after_commit');
  announce(announcer, created);
  return answers;
}

/** After the commit, never before. Tasks whose time has not come get their tickets when it comes. */
function announce(announcer: Announcer, created: readonly { job: NewJob; at: string }[]): void {
  const ready = created.flatMap(({ job, at }) =>
    job.tasks
      .filter((task) => task.dependsOn.length === 0 && !isLater(task, toDate(at)))
      .map((task) => ({ task, at, traceparent: job.traceparent })),
  );
  announceReady(
    announcer,
    ready.map(({ task, at }) => ({
      topic: task.topic,
      key: { priority: task.priority, deliverAfter: at, id: task.id },
    })),
  );
  announcer.issueTickets(
    ready.map(({ task, traceparent }) => ({
      topic: task.topic,
      itemId: task.id,
      priority: task.priority,
      traceparent,
    })),
  );
  announcer.eventsWritten();
}

function isLater(task: NewTask, at: Date): boolean {
  return task.runAt !== null && task.runAt.getTime() > at.getTime();
}

function toRecords(entry: NewJob, at: Date): { job: JobRecord; tasks: readonly TaskRecord[] } {
  const { id, namespace, kind, externalId, creator } = entry;
  const job: JobRecord = { id, namespace, kind, externalId, createdBy: creator, createdAt: at, status: 'OPEN' };
  const tasks = entry.tasks.map((task): TaskRecord => {
    const later = isLater(task, at);
    const waits = task.dependsOn.length > 0;
    return {
      id: task.id,
      namespace,
      jobId: id,
      kind: task.kind,
      payload: JSON.parse(task.payload) as unknown,
      priority: task.priority,
      status: later || waits ? 'SCHEDULED' : 'AVAILABLE',
      runAt: later ? task.runAt! : at,
      nextRunAt: later && !waits ? task.runAt : null,
      attemptsCounted: 0,
      maxAttempts: task.maxAttempts,
      finishedAt: null,
      result: null,
      error: null,
      uniqueKey: null,
      name: task.name,
      waitsFor: task.dependsOn.length,
    };
  });
  return { job, tasks };
}
