import { createHash } from 'node:crypto';
import { crashPoint } from '../crash-point.ts';
import type { Actor } from '../domain/actor.ts';
import { requireRole } from '../domain/actor.ts';
import { badInput, unavailable } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { parseIdempotencyKey, parseName, parseText, parseWhole } from '../domain/names.ts';
import type { JobRecord, TaskRecord } from '../domain/task.ts';
import type { Topic } from '../domain/topic.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement, toDate } from '../postgres/sql.ts';
import type { Announcer } from '../queue/announcements.ts';
import { announceReady } from '../queue/announcements.ts';
import { createBatcher } from '../queue/batcher.ts';
import type { Topics } from '../queue/topics.ts';
import type { TaskStore } from './store.ts';
import type { AnyTaskHandler } from './task-handler.ts';

const createJobs = loadStatement('create-jobs');
const readKey = loadStatement('read-idempotency-key');
const maxAttemptsDefault = 5;
/** Jobs are large beside cases: so many at most go into one statement. */
const jobsPerStatement = 32;

export interface TaskInput {
  readonly kind: string;
  readonly payload?: unknown;
  readonly priority?: number | null;
  readonly runAt?: Date | null;
  readonly maxAttempts?: number | null;
}

export interface CreateJobInput {
  readonly namespace: string;
  readonly kind: string;
  readonly externalId?: string | null;
  readonly tasks: readonly TaskInput[];
  readonly idempotencyKey?: string | null;
}

export type CreateJobResult =
  | { readonly kind: 'created'; readonly job: JobRecord; readonly tasks: readonly TaskRecord[] }
  | { readonly kind: 'idempotencyConflict' };

interface ParsedTask {
  readonly kind: string;
  readonly payload: string;
  readonly priority: number;
  readonly runAt: Date | null;
  readonly maxAttempts: number;
}

interface NewTask extends ParsedTask {
  readonly id: string;
  readonly topic: Topic;
}

interface Entry {
  readonly id: string;
  readonly namespace: string;
  readonly kind: string;
  readonly externalId: string | null;
  readonly creator: string;
  readonly tasks: readonly NewTask[];
  readonly idempotencyKey: string | null;
  readonly requestHash: string | null;
}

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
  const commit = createBatcher<Entry, Outcome>({
    run: (entries) => commitEntries(shard, announcer, entries),
    rowsMax: jobsPerStatement,
    ...(dependencies.observeBatch === undefined ? {} : { observe: dependencies.observeBatch }),
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
    if (input.tasks.length < 1 || input.tasks.length > limits.tasksPerJob) {
      throw badInput('input.tasks', `must have 1 to ${limits.tasksPerJob} entries`);
    }
    const parsed = input.tasks.map((task, index) =>
      parseTask(`input.tasks.${index}`, task, handlers, dependencies.now()),
    );
    const tasks: NewTask[] = [];
    for (const task of parsed) {
      const topic = topics.known(namespace, 'tasks', task.kind) ?? (await topics.ensure(namespace, 'tasks', task.kind));
      tasks.push({ ...task, id: newId(shard.number), topic });
    }
    const entry: Entry = {
      id: newId(shard.number),
      namespace,
      kind,
      externalId,
      creator: actor.subject,
      tasks,
      idempotencyKey,
      requestHash: idempotencyKey === null ? null : hashRequest([kind, externalId, parsed]),
    };
    const { outcome, at } = await commit(entry);
    if (outcome === 'created') return { kind: 'created', ...toRecords(entry, toDate(at)) };
    return readEarlier(shard, store, entry);
  };
}

/** The idempotency key was used before: by the same request, which gets the first result again, or by another one. */
async function readEarlier(shard: Shard, store: TaskStore, entry: Entry): Promise<CreateJobResult> {
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
  return { kind: 'created', job, tasks };
}

function parseTask(
  field: string,
  task: TaskInput,
  handlers: ReadonlyMap<string, AnyTaskHandler>,
  now: number,
): ParsedTask {
  const kind = parseName(`${field}.kind`, task.kind);
  const handler = handlers.get(kind);
  const payload = task.payload ?? {};
  const text = JSON.stringify(payload);
  if (Buffer.byteLength(text) > limits.taskPayloadBytes) {
    throw badInput(`${field}.payload`, `must have at most ${limits.taskPayloadBytes} bytes as JSON`);
  }
  handler?.parsePayload(`${field}.payload`, payload);
  // A time that has passed means at once, as none does.
  const runAt = task.runAt == null || task.runAt.getTime() <= now ? null : task.runAt;
  if (runAt !== null && runAt.getTime() > now + limits.taskRunAtSeconds * 1_000) {
    throw badInput(`${field}.runAt`, `must be within ${limits.taskRunAtSeconds} seconds from now`);
  }
  return {
    kind,
    payload: text,
    priority: parseWhole(`${field}.priority`, task.priority ?? 0, -2_147_483_648, 2_147_483_647),
    runAt,
    maxAttempts: parseWhole(
      `${field}.maxAttempts`,
      task.maxAttempts ?? handler?.maxAttempts ?? maxAttemptsDefault,
      1,
      limits.taskAttemptsMax,
    ),
  };
}

async function commitEntries(shard: Shard, announcer: Announcer, entries: readonly Entry[]): Promise<Outcome[]> {
  const tasks = entries.flatMap((entry, index) =>
    entry.tasks.map((task, place) => ({ job: index + 1, place, ...task })),
  );
  const rows = await shard.run<Outcome & { n: number }>(createJobs, [
    entries.map((entry) => entry.id),
    entries.map((entry) => entry.namespace),
    entries.map((entry) => entry.kind),
    entries.map((entry) => entry.externalId),
    entries.map((entry) => entry.creator),
    entries.map((entry) => entry.idempotencyKey),
    entries.map((entry) => entry.requestHash),
    tasks.map((task) => task.job),
    tasks.map((task) => task.id),
    tasks.map((task) => task.topic.id),
    tasks.map((task) => task.kind),
    tasks.map((task) => task.payload),
    tasks.map((task) => task.priority),
    tasks.map((task) => task.runAt?.toISOString() ?? null),
    tasks.map((task) => task.maxAttempts),
    tasks.map((task) => task.place),
  ]);
  const answers = new Array<Outcome>(entries.length);
  const created: { entry: Entry; at: string }[] = [];
  for (const row of rows) {
    answers[row.n - 1] = row;
    if (row.outcome === 'created') created.push({ entry: entries[row.n - 1]!, at: row.at });
  }
  if (created.length === 0) return answers;
  crashPoint('create_job_after_commit');
  announce(announcer, created);
  return answers;
}

/** After the commit, never before. Tasks whose time has not come get their tickets when it comes. */
function announce(announcer: Announcer, created: readonly { entry: Entry; at: string }[]): void {
  const ready = created.flatMap(({ entry, at }) =>
    entry.tasks.filter((task) => !isLater(task, toDate(at))).map((task) => ({ task, at })),
  );
  announceReady(
    announcer,
    ready.map(({ task, at }) => ({
      topic: task.topic,
      key: { priority: task.priority, deliverAfter: at, id: task.id },
    })),
  );
  announcer.issueTickets(ready.map(({ task }) => ({ topic: task.topic, itemId: task.id, priority: task.priority })));
  announcer.eventsWritten();
}

function isLater(task: NewTask, at: Date): boolean {
  return task.runAt !== null && task.runAt.getTime() > at.getTime();
}

function toRecords(entry: Entry, at: Date): { job: JobRecord; tasks: readonly TaskRecord[] } {
  const { id, namespace, kind, externalId, creator } = entry;
  const job: JobRecord = { id, namespace, kind, externalId, createdBy: creator, createdAt: at, status: 'OPEN' };
  const tasks = entry.tasks.map((task): TaskRecord => {
    const later = isLater(task, at);
    return {
      id: task.id,
      namespace,
      jobId: id,
      kind: task.kind,
      payload: JSON.parse(task.payload) as unknown,
      priority: task.priority,
      status: later ? 'SCHEDULED' : 'AVAILABLE',
      runAt: later ? task.runAt! : at,
      nextRunAt: later ? task.runAt : null,
      attemptsCounted: 0,
      maxAttempts: task.maxAttempts,
      finishedAt: null,
      result: null,
      error: null,
    };
  });
  return { job, tasks };
}

function hashRequest(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
