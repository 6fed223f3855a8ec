import { randomBytes, randomUUID } from 'node:crypto';
import { createCaseHistory } from './cases/case-history.ts';
import { CaseTaskPlanner } from './cases/case-tasks.ts';
import { CaseUpdates } from './cases/case-updates.ts';
import { createClaimCase } from './cases/claim-case.ts';
import type { ClaimCaseRow } from './cases/claim-next.ts';
import { createClaimNextCase } from './cases/claim-next.ts';
import { createDecide } from './cases/decide.ts';
import { createExtendLease } from './cases/extend.ts';
import { createFindCase, createMyLeases } from './cases/find-case.ts';
import { createListCaseTopics } from './cases/list-case-topics.ts';
import { createListCases } from './cases/list-cases.ts';
import { createRegister } from './cases/register.ts';
import { createReleaseCase } from './cases/release.ts';
import { CaseStore } from './cases/store.ts';
import { createWatchCases } from './cases/watch.ts';
import type { Config } from './config.ts';
import type { BlobStore } from './documents/blob-store.ts';
import { createCreateUpload } from './documents/create-upload.ts';
import { openBlobStore } from './documents/open-blob-store.ts';
import { signUrl } from './documents/signed-url.ts';
import { createDocumentRegister } from './documents/stored-documents.ts';
import { createIdSource } from './domain/ids.ts';
import { limits } from './domain/limits.ts';
import type { Topic } from './domain/topic.ts';
import { EventFeed } from './events/event-feed.ts';
import { Health } from './health/health.ts';
import type { NatsLink } from './jetstream/connection.ts';
import { connectNats } from './jetstream/connection.ts';
import type { HeadListener } from './jetstream/engine-announcer.ts';
import { EngineAnnouncer, listenHeads } from './jetstream/engine-announcer.ts';
import { JetStreamEventBus } from './jetstream/event-bus.ts';
import type { ShardTopic } from './jetstream/subjects.ts';
import { JetStreamTicketLedger } from './jetstream/ticket-ledger.ts';
import { Tickets } from './jetstream/tickets.ts';
import { TopicConsumers } from './jetstream/topic-consumers.ts';
import { TopicLine, topicName } from './jetstream/topic-line.ts';
import type { Logger } from './log.ts';
import type { Mailer } from './mail/mailer.ts';
import { openMailer } from './mail/open-mailer.ts';
import { createMailServices } from './mail/read-mails.ts';
import { Metrics } from './metrics.ts';
import { Shard } from './postgres/shard.ts';
import { loadStatement } from './postgres/sql.ts';
import type { ClaimQueueItemRow } from './priority-queue/engine.ts';
import { createQueueServices } from './priority-queue/services.ts';
import { Claims } from './queue/claims.ts';
import { Topics } from './queue/topics.ts';
import type { Services } from './services.ts';
import type { ClaimTaskRow } from './tasks/claim-row.ts';
import { createTaskHandlers } from './tasks/handlers/registry.ts';
import { JobUpdates } from './tasks/job-updates.ts';
import { createJobsAbout } from './tasks/jobs-about.ts';
import { createTaskServices } from './tasks/services.ts';
import { TaskStore } from './tasks/store.ts';
import type { AnyTaskHandler } from './tasks/task-handler.ts';

/** Everything a program stands on, built once, in one readable place. */
export interface Foundation {
  readonly config: Config;
  readonly log: Logger;
  readonly shard: Shard;
  readonly link: NatsLink;
  readonly tickets: Tickets;
  readonly consumers: TopicConsumers;
  readonly ledger: JetStreamTicketLedger;
  readonly bus: JetStreamEventBus;
  readonly blobs: BlobStore;
  readonly topics: Topics;
  readonly claims: Claims<ClaimCaseRow>;
  readonly queueClaims: Claims<ClaimQueueItemRow>;
  /** For workers outside; the worker program has its own. */
  readonly taskClaims: Claims<ClaimTaskRow>;
  readonly announcer: EngineAnnouncer;
  /** Who hears of topics that have ready items, here and in other processes. */
  readonly heads: Set<HeadListener>;
  readonly mailer: Mailer;
  readonly taskHandlers: readonly AnyTaskHandler[];
  readonly updates: CaseUpdates;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly services: Services;
  close(): Promise<void>;
}

/** Opens the connections and puts the parts together. NATS need not be there; PostgreSQL is first used when asked. */
export async function compose(config: Config, log: Logger, program: string): Promise<Foundation> {
  const shard = await Shard.open({ number: 0, url: config.databaseUrls[0]!, connections: config.poolConnections, log });
  const link = await connectNats({
    url: config.natsUrl,
    credentialsFile: config.natsCredentialsFile,
    name: `caseload ${program}`,
    log,
  });
  const tickets = new Tickets(link, log);
  const consumers = new TopicConsumers(link);
  const bus = new JetStreamEventBus(link, log);
  const ledger = new JetStreamTicketLedger({
    link,
    tickets,
    consumers,
    shard: shard.number,
    replicas: config.streamReplicas,
  });
  const blobs = await openBlobStore(config);
  const metrics = new Metrics(program);
  const topics = new Topics(shard);
  const processId = randomUUID();
  const newId = createIdSource(Date.now, randomBytes);
  const claims = new Claims<ClaimCaseRow>({
    shard,
    statement: loadStatement('claim-cases'),
    openLine: (topic) => new TopicLine(topic, { link, tickets, consumers, log }).open(),
    newToken: randomUUID,
    now: () => performance.now(),
    log,
    observePick: (claimers) => metrics.batchRows.observe({ statement: 'claim' }, claimers),
  });
  const queueClaims = new Claims<ClaimQueueItemRow>({
    shard,
    statement: loadStatement('claim-queue-items'),
    openLine: (topic) => new TopicLine(topic, { link, tickets, consumers, log }).open(),
    newToken: randomUUID,
    now: () => performance.now(),
    log,
    observePick: (claimers) => metrics.batchRows.observe({ statement: 'claim-queue-items' }, claimers),
    pickRowsMax: limits.queueItemsPerCall,
  });
  const taskClaims = new Claims<ClaimTaskRow>({
    shard,
    statement: loadStatement('claim-tasks'),
    openLine: (topic) => new TopicLine(topic, { link, tickets, consumers, log }).open(),
    newToken: randomUUID,
    now: () => performance.now(),
    log,
    observePick: (claimers) => metrics.batchRows.observe({ statement: 'claim-tasks' }, claimers),
  });
  const everyClaims = [claims, queueClaims, taskClaims];
  const heads = new Set<HeadListener>();
  const announcer = new EngineAnnouncer({
    link,
    tickets,
    shard: shard.number,
    log,
    processId,
    onReady: (topic, key) => {
      for (const one of everyClaims) one.itemBecameReady(topic.id, key);
      for (const listener of heads) listener.onReady({ shard: shard.number, ...topicName(topic) }, key);
    },
  });
  const ownTopic = (name: ShardTopic): Topic | undefined =>
    name.shard === shard.number ? topics.known(name.namespace, name.system, name.topic) : undefined;
  const stopHeads = listenHeads(link, processId, {
    onReady: (name, key) => {
      const topic = ownTopic(name);
      if (topic !== undefined) for (const one of everyClaims) one.itemBecameReady(topic.id, key);
      for (const listener of heads) listener.onReady(name, key);
    },
    onLying: (name, items) => {
      const topic = ownTopic(name);
      if (topic !== undefined) for (const one of everyClaims) one.itemsLieReady(topic.id, items);
      for (const listener of heads) listener.onLying(name, items);
    },
  });
  const store = new CaseStore(shard);
  const feed = new EventFeed(shard, bus, log);
  const updates = new CaseUpdates(feed, shard, store, log);
  const mailer = openMailer(config.mail, newId, log);
  const taskStore = new TaskStore(shard);
  const taskHandlers = createTaskHandlers({
    documents: createDocumentRegister(shard),
    blobs,
    shard,
    mailer,
    mailSendSeconds: config.mail.sendSeconds,
    cases: store,
    webhooks: { secret: config.webhookSecret, privateAddresses: config.webhookPrivateAddresses },
  });
  const caseTasks = new CaseTaskPlanner({
    rules: config.caseTasks,
    kinds: taskHandlers.flatMap(({ kind, maxAttempts, ofCase }) =>
      ofCase === undefined ? [] : [{ kind, maxAttempts, ofCase }],
    ),
    topics,
    newId,
  });
  const { casesHeldPerPerson, urlSecret, publicUrl, documentBytesMax } = config;
  const services: Services = {
    topics,
    ...createMailServices(shard),
    jobsAbout: createJobsAbout(shard, taskStore),
    ...createTaskServices({
      shard,
      topics,
      store: taskStore,
      updates: new JobUpdates(feed, shard, taskStore, log),
      announcer,
      newId,
      handlers: taskHandlers,
      claims: taskClaims,
      random: Math.random,
      now: Date.now,
      observeBatch: (rows) => metrics.batchRows.observe({ statement: 'create-jobs' }, rows),
    }),
    ...createQueueServices({
      shard,
      topics,
      claims: queueClaims,
      announcer,
      newId,
      observeBatch: (statement, calls) => metrics.batchRows.observe({ statement }, calls),
    }),
    caseStore: store,
    createUpload: createCreateUpload({ shard, newId, now: Date.now, urlSecret, publicUrl, documentBytesMax }),
    register: createRegister({
      shard,
      topics,
      store,
      announcer,
      newId,
      caseTasks,
      observeBatch: (rows) => metrics.batchRows.observe({ statement: 'register' }, rows),
    }),
    claimNextCase: createClaimNextCase({ claims, topics, store, announcer, casesHeldPerPerson }),
    claimCase: createClaimCase({ shard, topics, store, announcer, newToken: randomUUID, casesHeldPerPerson }),
    extendLease: createExtendLease({ shard, store, announcer }),
    releaseCase: createReleaseCase({ shard, topics, store, announcer }),
    decide: createDecide({
      shard,
      store,
      announcer,
      caseTasks,
      observeBatch: (rows) => metrics.batchRows.observe({ statement: 'decide' }, rows),
    }),
    findCase: createFindCase(store),
    listCases: createListCases(shard),
    listCaseTopics: createListCaseTopics(shard),
    myLeases: createMyLeases(store),
    caseHistory: createCaseHistory(shard),
    watchCases: createWatchCases({ updates, store, shard: shard.number, now: Date.now }),
    documentUrl: (documentId, namespace) =>
      signUrl(urlSecret, publicUrl, {
        method: 'GET',
        documentId,
        namespace,
        expiresAtSeconds: Math.floor(Date.now() / 1_000) + limits.downloadUrlSeconds,
        disposition: 'inline',
      }),
  };
  metrics.watch({
    claimersWaiting: () => everyClaims.reduce((sum, one) => sum + one.waiting, 0),
    watchers: () => updates.watcherCount,
    natsConnected: () => link.connected,
    ticketsNotIssued: () => announcer.ticketsNotIssued,
    pools: () => [{ shard: shard.number, ...shard.poolState }],
  });
  const health = new Health({
    shards: [shard],
    isNatsConnected: () => link.connected,
    now: () => performance.now(),
  });
  return {
    config,
    log,
    shard,
    link,
    tickets,
    consumers,
    ledger,
    bus,
    blobs,
    topics,
    claims,
    queueClaims,
    taskClaims,
    announcer,
    heads,
    mailer,
    taskHandlers,
    updates,
    metrics,
    health,
    services,
    async close() {
      stopHeads();
      for (const one of everyClaims) one.close();
      feed.stop();
      consumers.close();
      bus.close();
      tickets.close();
      mailer.close();
      await link.drain();
      await shard.close();
    },
  };
}
