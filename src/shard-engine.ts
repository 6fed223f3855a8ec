import { createCaseHistory } from './cases/case-history.ts';
import type { CaseTaskRules } from './cases/case-task-rules.ts';
import { CaseTaskPlanner } from './cases/case-tasks.ts';
import { CaseUpdates } from './cases/case-updates.ts';
import type { ClaimCaseDependencies } from './cases/claim-case.ts';
import { createClaimCase } from './cases/claim-case.ts';
import { createDecide } from './cases/decide.ts';
import { createExtendLease } from './cases/extend.ts';
import { createFindCase, createMyLeases } from './cases/find-case.ts';
import { createListCaseTopics } from './cases/list-case-topics.ts';
import { createListCases } from './cases/list-cases.ts';
import { createRegister } from './cases/register.ts';
import { createReleaseCase } from './cases/release.ts';
import { CaseStore } from './cases/store.ts';
import { CaseExports } from './documents/case-exports.ts';
import { createCreateUpload } from './documents/create-upload.ts';
import { DocumentChecks } from './documents/document-checks.ts';
import type { DocumentRegister } from './documents/document-register.ts';
import { createDocumentRegister } from './documents/stored-documents.ts';
import type { EventBus } from './events/event-bus.ts';
import { EventFeed } from './events/event-feed.ts';
import type { Logger } from './log.ts';
import { createMailServices } from './mail/read-mails.ts';
import type { Metrics } from './metrics.ts';
import type { Shard } from './postgres/shard.ts';
import type { EnqueueGate } from './priority-queue/enqueue-gate.ts';
import { createQueueServices } from './priority-queue/services.ts';
import { QueueSettings } from './priority-queue/settings.ts';
import type { QueueTraffic } from './priority-queue/traffic.ts';
import type { Announcer } from './queue/announcements.ts';
import type { TicketLedger } from './queue/ticket-ledger.ts';
import { Topics } from './queue/topics.ts';
import { JobUpdates } from './tasks/job-updates.ts';
import { createJobsAbout } from './tasks/jobs-about.ts';
import type { SchedulePlanner } from './tasks/schedules/planner.ts';
import { createTaskServices } from './tasks/services.ts';
import { TaskStore } from './tasks/store.ts';
import type { AnyTaskHandler } from './tasks/task-handler.ts';

/** The parts of one shard: everything that stands on its database and nothing that stands on another's. */
export interface ShardEngine<A extends Announcer = Announcer> {
  readonly number: number;
  readonly shard: Shard;
  readonly topics: Topics;
  readonly announcer: A;
  readonly ledger: TicketLedger;
  readonly feed: EventFeed;
  readonly caseStore: CaseStore;
  readonly caseUpdates: CaseUpdates;
  readonly taskStore: TaskStore;
  readonly jobUpdates: JobUpdates;
  readonly documents: DocumentRegister;
  readonly documentChecks: DocumentChecks;
  readonly caseExports: CaseExports;
  readonly queueSettings: QueueSettings;
}

export interface ShardEngineOptions<A extends Announcer> {
  readonly shard: Shard;
  readonly announcer: A;
  readonly ledger: TicketLedger;
  readonly bus: EventBus;
  readonly log: Logger;
}

export function createShardEngine<A extends Announcer>({
  shard,
  announcer,
  ledger,
  bus,
  log,
}: ShardEngineOptions<A>): ShardEngine<A> {
  const feed = new EventFeed(shard, bus, log);
  const caseStore = new CaseStore(shard);
  const taskStore = new TaskStore(shard);
  return {
    number: shard.number,
    shard,
    topics: new Topics(shard),
    announcer,
    ledger,
    feed,
    caseStore,
    caseUpdates: new CaseUpdates(feed, shard, caseStore, log),
    taskStore,
    jobUpdates: new JobUpdates(feed, shard, taskStore, log),
    documents: createDocumentRegister(shard),
    documentChecks: new DocumentChecks(shard),
    caseExports: new CaseExports(shard),
    queueSettings: new QueueSettings(shard, () => performance.now()),
  };
}

export interface ShardVerbsOptions {
  readonly newId: (shard: number) => string;
  readonly newToken: () => string;
  readonly now: () => number;
  readonly urlSecret: string;
  readonly publicUrl: string;
  readonly documentBytesMax: number;
  readonly casesHeldPerPerson: number;
  readonly taskHandlers: readonly AnyTaskHandler[];
  readonly caseTasks: CaseTaskRules;
  readonly planner: SchedulePlanner;
  readonly queueTraffic: QueueTraffic;
  readonly enqueueGate: EnqueueGate;
  readonly heldElsewhere?: ClaimCaseDependencies['heldElsewhere'];
  readonly metrics: Metrics;
}

export type ShardVerbs = ReturnType<typeof createShardVerbs>;

/** The verbs on the cases, jobs and tasks of one shard. */
export function createShardVerbs(engine: ShardEngine, options: ShardVerbsOptions) {
  const { shard, topics, announcer, caseStore: store, taskStore } = engine;
  const { newId, newToken, now, urlSecret, publicUrl, documentBytesMax, casesHeldPerPerson, metrics } = options;
  const caseTasks = new CaseTaskPlanner({
    rules: options.caseTasks,
    kinds: options.taskHandlers.flatMap(({ kind, maxAttempts, ofCase }) =>
      ofCase === undefined ? [] : [{ kind, maxAttempts, ofCase }],
    ),
    topics,
    newId,
  });
  const observe =
    (statement: string) =>
    (rows: number): void =>
      metrics.batchRows.observe({ statement }, rows);
  return {
    ...createTaskServices({
      shard,
      topics,
      store: taskStore,
      announcer,
      newId,
      handlers: options.taskHandlers,
      planner: options.planner,
      random: Math.random,
      now,
      observeBatch: observe('create-jobs'),
    }),
    ...createMailServices(shard),
    jobsAbout: createJobsAbout(shard, taskStore),
    findDocumentCheck: (documentId: string) => engine.documentChecks.find(documentId),
    findCaseExport: (caseId: string) => engine.caseExports.find(caseId),
    ...createQueueServices({
      shard,
      topics,
      settings: engine.queueSettings,
      announcer,
      traffic: options.queueTraffic,
      gate: options.enqueueGate,
      newId,
      observeBatch: (statement, calls) => observe(statement)(calls),
    }),
    createUpload: createCreateUpload({ shard, newId, now, urlSecret, publicUrl, documentBytesMax }),
    register: createRegister({ shard, topics, store, announcer, newId, caseTasks, observeBatch: observe('register') }),
    claimCase: createClaimCase({
      shard,
      topics,
      store,
      announcer,
      newToken,
      casesHeldPerPerson,
      heldElsewhere: options.heldElsewhere,
    }),
    extendLease: createExtendLease({ shard, store, announcer }),
    releaseCase: createReleaseCase({ shard, topics, store, announcer }),
    decide: createDecide({ shard, store, announcer, caseTasks, observeBatch: observe('decide') }),
    findCase: createFindCase(store),
    listCases: createListCases(shard),
    listCaseTopics: createListCaseTopics(shard),
    myLeases: createMyLeases(store),
    caseHistory: createCaseHistory(shard),
  };
}
