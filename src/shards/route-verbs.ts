import type { CaseTopic } from '../cases/list-case-topics.ts';
import { compareListEdges } from '../cases/list-cases.ts';
import type { CaseStore } from '../cases/store.ts';
import type { Actor } from '../domain/actor.ts';
import { badInput, notFound } from '../domain/errors.ts';
import { isId, shardOf } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { TaskRecord } from '../domain/task.ts';
import type { ShardEngine, ShardVerbs } from '../shard-engine.ts';
import type { StatusCounts, TaskKind } from '../tasks/list-tasks.ts';
import type { BulkResult } from '../tasks/retry.ts';
import type { TaskStore } from '../tasks/store.ts';
import type { ScheduleName } from './find-schedule.ts';
import { findSchedule } from './find-schedule.ts';
import type { Edge } from './merge-pages.ts';
import { askShards, mergePages } from './merge-pages.ts';
import type { Placement } from './placement.ts';
import type { TopicSpreads } from './route-queue.ts';
import { onEach, routeQueueVerbs } from './route-queue.ts';

/** A shard with its verbs. */
export interface RoutedShard {
  readonly number: number;
  readonly engine: ShardEngine;
  readonly verbs: ShardVerbs;
}

export type CaseReads = Pick<CaseStore, 'find' | 'get' | 'documents'>;
export type TaskReads = Pick<TaskStore, keyof TaskStore>;

/** The verbs over all shards: what has an id goes where the id says, lists ask everywhere. */
export function routeVerbs(shards: readonly RoutedShard[], placement: Placement, spreads: TopicSpreads): ShardVerbs {
  const byNumber = new Map(shards.map((shard) => [shard.number, shard]));
  // What is no id is refused by whichever shard's verb gets it.
  const at = (id: string, what: string): ShardVerbs => {
    const shard = isId(id) ? byNumber.get(shardOf(id)) : shards[0];
    if (shard === undefined) throw notFound(what);
    return shard.verbs;
  };
  const chosen = (engine: ShardEngine): ShardVerbs => byNumber.get(engine.number)!.verbs;
  const ofSchedule = async ({ namespace, name }: ScheduleName): Promise<ShardVerbs> =>
    (await findSchedule(shards, { namespace, name }))?.verbs ?? chosen(placement.choose([namespace, 'schedule', name]));
  const newestFirst = (a: Edge<{ readonly id: string }>, b: Edge<{ readonly id: string }>): number =>
    a.node.id < b.node.id ? 1 : -1;
  return {
    createUpload: async (actor, input) =>
      // One person's documents lie together, so that a case can have them all.
      chosen(placement.choose([input.namespace, actor?.subject ?? ''])).createUpload(actor, input),
    register: async (actor, input) => {
      const documents = input.documents ?? [];
      const numbers = new Set(documents.map(({ documentId }) => (isId(documentId) ? shardOf(documentId) : undefined)));
      if (numbers.size > 1)
        throw badInput('input.documents', 'lie on several shards; upload them again, one after the other');
      const number = [...numbers][0];
      const shard = number === undefined ? undefined : byNumber.get(number);
      if (shard !== undefined) return shard.verbs.register(actor, input);
      const engine = await placeKeyed(placement, actor, 'register', input, input.region);
      return chosen(engine).register(actor, input);
    },
    claimCase: async (actor, input) => at(input.caseId, 'Case').claimCase(actor, input),
    extendLease: async (actor, input) => at(input.caseId, 'Case').extendLease(actor, input),
    releaseCase: async (actor, input) => at(input.caseId, 'Case').releaseCase(actor, input),
    decide: async (actor, input) => at(input.caseId, 'Case').decide(actor, input),
    findCase: async (actor, id) => at(id, 'Case').findCase(actor, id),
    caseHistory: async (id, first, after) => at(id, 'Case').caseHistory(id, first, after),
    listCases: async (actor, input) =>
      mergePages(await askShards(shards, ({ verbs }) => verbs.listCases(actor, input)), input.first, (a, b) =>
        compareListEdges(input.orderBy, a, b),
      ),
    listCaseTopics: async (actor, namespace) => {
      const { values } = await askShards(shards, ({ verbs }) => verbs.listCaseTopics(actor, namespace));
      return joinByName(values.flat(), addCaseTopics);
    },
    myLeases: async (actor, namespace) => {
      const { values } = await askShards(shards, ({ verbs }) => verbs.myLeases(actor, namespace));
      return values.flat().slice(0, limits.casesHeldPerPersonMax);
    },
    createJob: async (actor, input) => {
      // What must be unique is so on its shard: all of a namespace's tasks with unique keys lie on one.
      const isUnique = input.tasks.some((task) => task.uniqueKey != null);
      const engine = isUnique
        ? placement.choose([input.namespace, 'unique tasks'])
        : await placeKeyed(placement, actor, 'createJob', input, undefined);
      return chosen(engine).createJob(actor, input);
    },
    findJob: async (actor, id) => at(id, 'Job').findJob(actor, id),
    findTask: async (actor, id) => at(id, 'Task').findTask(actor, id),
    retryTask: async (actor, input) => at(input.taskId, 'Task').retryTask(actor, input),
    retryFailedTasks: async (actor, input) => at(input.jobId, 'Job').retryFailedTasks(actor, input),
    cancelTask: async (actor, input) => at(input.taskId, 'Task').cancelTask(actor, input),
    cancelJob: async (actor, input) => at(input.jobId, 'Job').cancelJob(actor, input),
    retryTasks: async (actor, input) =>
      inTurn(shards, input.limit, (verbs, limit) => verbs.retryTasks(actor, { ...input, limit })),
    updateTask: async (actor, input) => at(input.taskId, 'Task').updateTask(actor, input),
    updateTasks: async (actor, input) =>
      inTurn(shards, input.limit, (verbs, limit) => verbs.updateTasks(actor, { ...input, limit })),
    heartbeatTask: async (actor, input) => at(input.taskId, 'Task').heartbeatTask(actor, input),
    completeTask: async (actor, input) => at(input.taskId, 'Task').completeTask(actor, input),
    failTask: async (actor, input) => at(input.taskId, 'Task').failTask(actor, input),
    releaseTask: async (actor, input) => at(input.taskId, 'Task').releaseTask(actor, input),
    pauseTaskKind: async (actor, input) => onEach(shards, ({ verbs }) => verbs.pauseTaskKind(actor, input)),
    resumeTaskKind: async (actor, input) => onEach(shards, ({ verbs }) => verbs.resumeTaskKind(actor, input)),
    limitTaskKind: async (actor, input) => onEach(shards, ({ verbs }) => verbs.limitTaskKind(actor, input)),
    listTaskControls: async (actor, namespace) =>
      (await askShards(shards, ({ verbs }) => verbs.listTaskControls(actor, namespace))).values[0]!,
    taskControlChanges: async (control) =>
      (await askShards(shards, ({ verbs }) => verbs.taskControlChanges(control))).values[0]!,
    // What a schedule plans lies with it.
    upsertTaskSchedule: async (actor, input) => (await ofSchedule(input)).upsertTaskSchedule(actor, input),
    pauseTaskSchedule: async (actor, input) => (await ofSchedule(input)).pauseTaskSchedule(actor, input),
    resumeTaskSchedule: async (actor, input) => (await ofSchedule(input)).resumeTaskSchedule(actor, input),
    deleteTaskSchedule: async (actor, input) => (await ofSchedule(input)).deleteTaskSchedule(actor, input),
    listTaskSchedules: async (actor, namespace) => {
      const { values } = await askShards(shards, ({ verbs }) => verbs.listTaskSchedules(actor, namespace));
      return values
        .flat()
        .sort((a, b) => (a.name < b.name ? -1 : 1))
        .slice(0, limits.taskSchedulesListed);
    },
    taskScheduleChanges: async (schedule) => at(schedule.id, 'Schedule').taskScheduleChanges(schedule),
    taskHistory: async (id, first, after) => at(id, 'Task').taskHistory(id, first, after),
    listJobs: async (actor, input) =>
      mergePages(await askShards(shards, ({ verbs }) => verbs.listJobs(actor, input)), input.first, newestFirst),
    listTasks: async (actor, input) =>
      mergePages(await askShards(shards, ({ verbs }) => verbs.listTasks(actor, input)), input.first, newestFirst),
    listTaskKinds: async (actor, namespace) => {
      const { values } = await askShards(shards, ({ verbs }) => verbs.listTaskKinds(actor, namespace));
      return joinByName(values.flat(), addKinds);
    },
    countTasks: async (actor, namespace, filter) =>
      addCounts((await askShards(shards, ({ verbs }) => verbs.countTasks(actor, namespace, filter))).values),
    countJobs: async (actor, namespace, filter) =>
      addCounts((await askShards(shards, ({ verbs }) => verbs.countJobs(actor, namespace, filter))).values),
    listMails: async (actor, input) =>
      mergePages(await askShards(shards, ({ verbs }) => verbs.listMails(actor, input)), input.first, newestFirst),
    findMail: async (actor, id) => at(id, 'Mail').findMail(actor, id),
    mailBody: async (id) => at(id, 'Mail').mailBody(id),
    settleMail: async (actor, input) => at(input.mailId, 'Mail').settleMail(actor, input),
    findDocumentCheck: async (id) => at(id, 'Document').findDocumentCheck(id),
    findCaseExport: async (id) => at(id, 'Case').findCaseExport(id),
    jobsAbout: async (subject) => {
      const { values } = await askShards(shards, ({ verbs }) => verbs.jobsAbout(subject));
      return values
        .flat()
        .sort((a, b) => (a.id < b.id ? 1 : -1))
        .slice(0, limits.jobsAboutShown);
    },
    ...routeQueueVerbs(shards, placement, spreads),
    taskStore: routeTaskReads(shards.map(({ engine }) => engine)),
  };
}

/** The shard of a request that may have an idempotency key. Faults as for `Placement.choose`. */
async function placeKeyed(
  placement: Placement,
  actor: Actor | undefined,
  operation: string,
  { namespace, idempotencyKey: key }: { readonly namespace: string; readonly idempotencyKey?: string | null },
  region: string | null | undefined,
): Promise<ShardEngine> {
  if (key === null || key === undefined) return placement.choose(undefined, region);
  const subject = actor?.subject ?? '';
  return placement.chooseForKey(
    [namespace, subject, key],
    region,
    async ({ caseStore }) => (await caseStore.idempotentResult(namespace, subject, operation, key)) !== undefined,
  );
}

/** The reads that resolvers use, by id. */
export function routeCaseReads(engines: readonly ShardEngine[]): CaseReads {
  const stores = new Map(engines.map(({ number, caseStore }) => [number, caseStore]));
  return {
    find: async (id) => stores.get(shardOf(id))?.find(id),
    get: async (id) => {
      const store = stores.get(shardOf(id));
      if (store === undefined) throw notFound('Case');
      return store.get(id);
    },
    documents: async (id) => (await stores.get(shardOf(id))?.documents(id)) ?? [],
  };
}

export function routeTaskReads(engines: readonly ShardEngine[]): TaskReads {
  const stores = new Map(engines.map(({ number, taskStore }) => [number, taskStore]));
  const at = (id: string, what: string): TaskStore => {
    const store = stores.get(shardOf(id));
    if (store === undefined) throw notFound(what);
    return store;
  };
  return {
    findTask: async (id) => at(id, 'Task').findTask(id),
    findJob: async (id) => at(id, 'Job').findJob(id),
    getTask: async (id) => at(id, 'Task').getTask(id),
    getJob: async (id) => at(id, 'Job').getJob(id),
    tasksOf: async (id) => at(id, 'Job').tasksOf(id),
    waitReasonOf: async (id) => at(id, 'Task').waitReasonOf(id),
    dependenciesOf: async (id) => at(id, 'Task').dependenciesOf(id),
    attemptsOf: async (id) => at(id, 'Task').attemptsOf(id),
  };
}

interface BulkPart {
  readonly tasks: readonly TaskRecord[];
  readonly bulk?: BulkResult;
}

/**
 * Changes up to so many tasks that a filter finds, shard by shard: what is left of the limit goes to the next.
 * @throws the fault of the first shard that fails; what was changed before stays changed, and the same call goes on
 */
async function inTurn<Result extends { readonly kind: string }>(
  shards: readonly RoutedShard[],
  limit: number,
  change: (verbs: ShardVerbs, limit: number) => Promise<Result | (Result & BulkPart)>,
): Promise<Result> {
  let joined: (Result & BulkPart) | undefined;
  for (const { verbs } of shards) {
    const left = limit - (joined?.tasks.length ?? 0);
    // Whether the shards that are left have more is not known: the next call tells.
    if (joined !== undefined && (left === 0 || joined.bulk?.hasMore === true))
      return { ...joined, bulk: { dryRun: joined.bulk?.dryRun ?? false, hasMore: true } };
    const result = await change(verbs, left);
    if (!('tasks' in result)) return result;
    joined = joined === undefined ? result : { ...result, tasks: [...joined.tasks, ...result.tasks] };
  }
  return joined!;
}

function joinByName<Value>(values: readonly Value[], join: Joiner<Value>): readonly Value[] {
  const byName = new Map<string, Value>();
  for (const value of values) {
    const name = join.nameOf(value);
    const sum = byName.get(name);
    byName.set(name, sum === undefined ? value : join.add(sum, value));
  }
  return [...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value);
}

interface Joiner<Value> {
  readonly nameOf: (value: Value) => string;
  readonly add: (a: Value, b: Value) => Value;
}

const addKinds: Joiner<TaskKind> = {
  nameOf: ({ kind }) => kind,
  add: (a, b) => ({
    kind: a.kind,
    scheduled: a.scheduled + b.scheduled,
    available: a.available + b.available,
    running: a.running + b.running,
    retryable: a.retryable + b.retryable,
    failed: a.failed + b.failed,
  }),
};

const addCaseTopics: Joiner<CaseTopic> = {
  nameOf: ({ name }) => name,
  add: (a, b) => ({
    name: a.name,
    paused: a.paused || b.paused,
    waiting: a.waiting + b.waiting,
    held: a.held + b.held,
    oldestWaitingSince:
      a.oldestWaitingSince === null || (b.oldestWaitingSince !== null && b.oldestWaitingSince < a.oldestWaitingSince)
        ? b.oldestWaitingSince
        : a.oldestWaitingSince,
  }),
};

function addCounts<Status extends string>(parts: readonly StatusCounts<Status>[]): StatusCounts<Status> {
  const counts = new Map<Status, number>();
  for (const part of parts)
    for (const [status, count] of part.counts) counts.set(status, (counts.get(status) ?? 0) + count);
  return { counts, isComplete: parts.every((part) => part.isComplete) };
}
