import { randomBytes, randomUUID } from 'node:crypto';
import { warnOfUnknownKinds } from './cases/case-tasks.ts';
import type { CaseUpdates } from './cases/case-updates.ts';
import type { ClaimCaseRow } from './cases/claim-next.ts';
import { createClaimNextCase, heldBy } from './cases/claim-next.ts';
import { createWatchCases } from './cases/watch.ts';
import type { Config } from './config.ts';
import type { Digests } from './digests/compose-digests.ts';
import { createDigests } from './digests/compose-digests.ts';
import type { BlobStore } from './documents/blob-store.ts';
import type { DocumentRegister } from './documents/document-register.ts';
import { openBlobStore } from './documents/open-blob-store.ts';
import { signUrl } from './documents/signed-url.ts';
import { createIdSource, shardOf } from './domain/ids.ts';
import { limits } from './domain/limits.ts';
import type { Topic } from './domain/topic.ts';
import { createAuditLog } from './events/audit-log.ts';
import { Health } from './health/health.ts';
import type { NatsLink } from './jetstream/connection.ts';
import { connectNats } from './jetstream/connection.ts';
import type { HeadListener } from './jetstream/engine-announcer.ts';
import { EngineAnnouncer, listenHeads } from './jetstream/engine-announcer.ts';
import { JetStreamEventBus } from './jetstream/event-bus.ts';
import { NatsQueueTraffic } from './jetstream/queue-traffic.ts';
import { RoutingTable } from './jetstream/routing-table.ts';
import type { ShardTopic } from './jetstream/subjects.ts';
import { JetStreamTicketLedger } from './jetstream/ticket-ledger.ts';
import { Tickets } from './jetstream/tickets.ts';
import { TopicConsumers } from './jetstream/topic-consumers.ts';
import { TopicLine, topicName } from './jetstream/topic-line.ts';
import type { Logger } from './log.ts';
import { createBounceService, urlSecrets } from './mail/bounces/bounce-service.ts';
import type { Mailer } from './mail/mailer.ts';
import { openMailer } from './mail/open-mailer.ts';
import { Metrics } from './metrics.ts';
import { Shard } from './postgres/shard.ts';
import { loadStatement } from './postgres/sql.ts';
import { createCountDepth } from './priority-queue/count-depth.ts';
import { createDequeue } from './priority-queue/dequeue.ts';
import type { TakenItemRow } from './priority-queue/engine.ts';
import { EnqueueGate } from './priority-queue/enqueue-gate.ts';
import { createWatchTopicStats } from './priority-queue/topic-stats.ts';
import { trafficKinds } from './priority-queue/traffic.ts';
import { announceDied, announceReturned } from './queue/announcements.ts';
import { BatchClaims } from './queue/batch-claims.ts';
import { Claims } from './queue/claims.ts';
import { SpreadBatches } from './queue/spread-batches.ts';
import { SpreadClaims } from './queue/spread-claims.ts';
import type { TicketLedger } from './queue/ticket-ledger.ts';
import type { Topics } from './queue/topics.ts';
import type { Services } from './services.ts';
import type { ShardEngine } from './shard-engine.ts';
import { createShardEngine, createShardVerbs } from './shard-engine.ts';
import { DigestHomes } from './shards/digest-homes.ts';
import { Placement } from './shards/placement.ts';
import { ReadyMarks } from './shards/ready-marks.ts';
import { routeDigests } from './shards/route-digests.ts';
import { routeDocuments } from './shards/route-documents.ts';
import { TopicSpreads } from './shards/route-queue.ts';
import type { RoutedShard } from './shards/route-verbs.ts';
import { routeCaseReads, routeTaskReads, routeVerbs } from './shards/route-verbs.ts';
import { noRouting } from './shards/routing.ts';
import { createRoutingServices } from './shards/routing-services.ts';
import { Takeovers } from './shards/takeovers.ts';
import type { ClaimTaskRow } from './tasks/claim-row.ts';
import { createClaimTasks } from './tasks/claim-tasks.ts';
import { createFinish } from './tasks/finish.ts';
import { createTaskHandlers } from './tasks/handlers/registry.ts';
import { SchedulePlanner } from './tasks/schedules/planner.ts';
import type { AnyTaskHandler } from './tasks/task-handler.ts';
import { createWatchJobs } from './tasks/watch-jobs.ts';
import { startTracing } from './telemetry/tracing.ts';

/** Everything a program stands on, built once, in one readable place. */
export interface Foundation {
  readonly config: Config;
  readonly log: Logger;
  /** One a shard, in the order of their numbers. */
  readonly engines: readonly ShardEngine<EngineAnnouncer>[];
  /** The parts of the first shard. */
  readonly shard: Shard;
  readonly topics: Topics;
  readonly announcer: EngineAnnouncer;
  readonly ledger: TicketLedger;
  readonly updates: CaseUpdates;
  readonly link: NatsLink;
  readonly tickets: Tickets;
  readonly consumers: TopicConsumers;
  readonly bus: JetStreamEventBus;
  readonly blobs: BlobStore;
  readonly documents: DocumentRegister;
  readonly claims: Claims<ClaimCaseRow>;
  readonly queueClaims: BatchClaims<TakenItemRow>;
  /** For workers outside; the worker program has its own. */
  readonly taskClaims: Claims<ClaimTaskRow>;
  /** Who hears of topics that have ready items, here and in other processes. */
  readonly heads: Set<HeadListener>;
  readonly mailer: Mailer;
  readonly taskHandlers: readonly AnyTaskHandler[];
  /** What plans the runs of schedules, by shard. */
  readonly planners: ReadonlyMap<number, SchedulePlanner>;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly services: Services;
  readonly digestResponderOf: Digests['responderOf'];
  close(): Promise<void>;
}

/** Opens the connections and puts the parts together. NATS need not be there; PostgreSQL is first used when asked. */
export async function compose(config: Config, log: Logger, program: string): Promise<Foundation> {
  const tracing = config.tracesUrl === undefined ? undefined : await startTracing(config.tracesUrl, program);
  const shards = await Promise.all(
    config.databaseUrls.map((url, number) => Shard.open({ number, url, connections: config.poolConnections, log })),
  );
  const shardsByNumber = new Map(shards.map((shard) => [shard.number, shard]));
  const link = await connectNats({
    url: config.natsUrl,
    credentialsFile: config.natsCredentialsFile,
    name: `caseload ${program}`,
    log,
  });
  const tickets = new Tickets(link, log);
  const consumers = new TopicConsumers(link);
  const bus = new JetStreamEventBus(link, log);
  const blobs = await openBlobStore(config);
  const metrics = new Metrics(program);
  const processId = randomUUID();
  const newId = createIdSource(Date.now, randomBytes);
  const claims = new Claims<ClaimCaseRow>({
    shard: shards[0]!,
    shards: shardsByNumber,
    statement: loadStatement('claim-cases'),
    openLine: (topic) => new TopicLine(topic, { link, tickets, consumers, log }).open(),
    newToken: randomUUID,
    now: () => performance.now(),
    log,
    observePick: (claimers) => metrics.batchRows.observe({ statement: 'claim' }, claimers),
  });
  const queueClaims = new BatchClaims<TakenItemRow>({
    shards: shardsByNumber,
    statement: loadStatement('take-queue-items'),
    openLine: (topic) => new TopicLine(topic, { link, tickets, consumers, log }).open(),
    newToken: randomUUID,
    now: () => performance.now(),
    observeLook: (callers) => metrics.batchRows.observe({ statement: 'take-queue-items' }, callers),
    onReturned: (topic, items) => announceReturned(enginesByNumber.get(topic.shard)!.announcer, topic, items),
    onDied: (shard, topicId, items) => void announceDied(enginesByNumber.get(shard)!, topicId, items, log),
  });
  const taskClaims = new Claims<ClaimTaskRow>({
    shard: shards[0]!,
    shards: shardsByNumber,
    statement: loadStatement('claim-tasks'),
    openLine: (topic) => new TopicLine(topic, { link, tickets, consumers, log }).open(),
    newToken: randomUUID,
    now: () => performance.now(),
    log,
    observePick: (claimers) => metrics.batchRows.observe({ statement: 'claim-tasks' }, claimers),
  });
  const everyClaims = [claims, queueClaims, taskClaims];
  const queueTraffic = new NatsQueueTraffic(link, processId);
  for (const kind of trafficKinds)
    metrics.counter(
      `caseload_queue_items_${kind}_total`,
      `Items of the priority queue ${kind} by this process`,
      () => queueTraffic.totals[kind],
    );
  const heads = new Set<HeadListener>();
  const engines = shards.map((shard) =>
    createShardEngine({
      shard,
      announcer: new EngineAnnouncer({
        link,
        tickets,
        shard: shard.number,
        log,
        processId,
        onReady: (topic, key) => {
          for (const one of everyClaims) one.itemBecameReady(topic.id, key, topic.shard);
          for (const listener of heads) listener.onReady(topicName(topic), key);
        },
        onCall: ({ topic, items }, issue) =>
          queueClaims.offer(topic.id, topic.shard, {
            items: items ?? 1,
            isTicket: false,
            acknowledge: () => undefined,
            giveBack: issue,
          }),
      }),
      ledger: new JetStreamTicketLedger({
        link,
        tickets,
        consumers,
        shard: shard.number,
        replicas: config.streamReplicas,
      }),
      bus,
      log,
    }),
  );
  const enginesByNumber = new Map(engines.map((engine) => [engine.number, engine]));
  const ownTopic = ({ shard, namespace, system, topic }: ShardTopic): Topic | undefined =>
    enginesByNumber.get(shard)?.topics.known(namespace, system, topic);
  const heardHeads: HeadListener = {
    onReady: (name, key) => {
      const topic = ownTopic(name);
      if (topic !== undefined) for (const one of everyClaims) one.itemBecameReady(topic.id, key, topic.shard);
      for (const listener of heads) listener.onReady(name, key);
    },
    onLying: (name, items) => {
      const topic = ownTopic(name);
      if (topic !== undefined) for (const one of everyClaims) one.itemsLieReady(topic.id, items, topic.shard);
      for (const listener of heads) listener.onLying(name, items);
    },
  };
  // A scheduler claims nothing.
  const stopHeads = program === 'scheduler' ? () => {} : listenHeads(link, processId, heardHeads);
  const mailer = openMailer(config.mail, newId, log, config.urlSecret);
  const engineOf = (id: string): ShardEngine => enginesByNumber.get(shardOf(id))!;
  const documents = routeDocuments(engines);
  const digests = createDigests({
    engines,
    mailer,
    mailSendSeconds: config.mail.sendSeconds,
    newId,
    urlSecret: config.urlSecret,
    publicUrl: config.publicUrl,
    now: Date.now,
    observeBatch: (rows) => metrics.batchRows.observe({ statement: 'submit-requests' }, rows),
    log,
  });
  const caseHandlers = createTaskHandlers({
    documents,
    blobs,
    checks: { save: (id, namespace, check) => engineOf(id).documentChecks.save(id, namespace, check) },
    exports: {
      beginBlob: (id, blobKey) => engineOf(id).caseExports.beginBlob(id, blobKey),
      save: (id, made) => engineOf(id).caseExports.save(id, made),
    },
    caseHistory: (id, first, after) => services.caseHistory(id, first, after),
    scanner: config.documentScanner,
    shardOf: (id) => enginesByNumber.get(shardOf(id))!.shard,
    mailer,
    mailSendSeconds: config.mail.sendSeconds,
    cases: routeCaseReads(engines),
    webhooks: { secret: config.webhookSecret, privateAddresses: config.webhookPrivateAddresses },
  });
  const taskHandlers = [...caseHandlers, ...digests.handlers];
  const planners = new Map(engines.map((engine) => [engine.number, new SchedulePlanner({ ...engine, newId })]));
  warnOfUnknownKinds(config.caseTasks, taskHandlers, log);
  const { casesHeldPerPerson, urlSecret, publicUrl, documentBytesMax } = config;
  const isSpread = engines.length > 1;
  const enqueueGate = new EnqueueGate({
    countDepth: createCountDepth(engines),
    traffic: queueTraffic,
    now: () => performance.now(),
  });
  const routed = engines.map((engine): RoutedShard => {
    const others = engines.filter((other) => other !== engine);
    const verbs = createShardVerbs(engine, {
      newId,
      planner: planners.get(engine.number)!,
      newToken: randomUUID,
      now: Date.now,
      urlSecret,
      publicUrl,
      documentBytesMax,
      casesHeldPerPerson,
      taskHandlers,
      caseTasks: config.caseTasks,
      queueTraffic,
      enqueueGate,
      heldElsewhere: isSpread ? (namespace, holder) => heldBy(others, namespace, holder) : undefined,
      metrics,
    });
    return { number: engine.number, engine, verbs };
  });
  const spreadClaims = isSpread
    ? new SpreadClaims<ClaimCaseRow>({
        claims,
        shards: shardsByNumber,
        announcers: new Map(engines.map(({ number, announcer }) => [number, announcer])),
        isNear: (number) => config.region === undefined || config.shardRegions[number] === config.region,
        now: () => performance.now(),
        random: Math.random,
        log,
      })
    : undefined;
  const routingTable = isSpread
    ? await new RoutingTable({ link, replicas: config.streamReplicas, log }).open()
    : undefined;
  const takeovers = routingTable === undefined ? undefined : new Takeovers(routingTable, Date.now);
  const marks = new ReadyMarks(() => performance.now());
  if (isSpread) heads.add(marks);
  const placement = new Placement({
    engines,
    region: config.region,
    regionOf: (number) => config.shardRegions[number],
    routing: () => routingTable?.current ?? noRouting,
    onTakeover: (home) => takeovers?.note(home),
    now: Date.now,
  });
  const routing = createRoutingServices({
    engines,
    placement,
    store: routingTable,
    ownRegion: config.region,
    regionOf: (number) => config.shardRegions[number],
    now: Date.now,
    log,
  });
  const spreads = new TopicSpreads(placement, marks);
  const finishes = new Map(engines.map((engine) => [engine.number, createFinish(engine)]));
  // One shard alone needs no routing: its verbs are the services.
  const verbs = isSpread ? routeVerbs(routed, placement, spreads) : routed[0]!.verbs;
  const homes = new DigestHomes(engines, placement);
  const digestVerbs = isSpread
    ? routeDigests(digests.shards, (namespace) => homes.find(namespace))
    : digests.shards[0]!.services;
  const services: Services = {
    ...verbs,
    ...digestVerbs,
    ...digests.watches,
    ...digests.recipients(isSpread ? (namespace) => homes.settle(namespace) : async () => engines[0]!.number),
    ...routing,
    takeBounce: createBounceService({ shards, secrets: urlSecrets(config) }),
    caseStore: isSpread ? routeCaseReads(engines) : engines[0]!.caseStore,
    topicName: (caseId, topicId) => {
      const topics = enginesByNumber.get(shardOf(caseId))?.topics;
      return (
        topics?.byId(topicId)?.name ?? topics?.byIds([topicId]).then((found) => found.get(topicId)?.name ?? '') ?? ''
      );
    },
    claimNextCase: createClaimNextCase({ claims, spreadClaims, shards: engines, casesHeldPerPerson }),
    watchTopicStats: createWatchTopicStats({ ...verbs, traffic: queueTraffic }),
    dequeue: createDequeue({
      traffic: queueTraffic,
      shards: engines,
      claims: queueClaims,
      spread: isSpread
        ? {
            batches: new SpreadBatches({ claims: queueClaims, shards: shardsByNumber, now: () => performance.now() }),
            near: (namespace, topic, region) => spreads.near(namespace, topic, region),
          }
        : undefined,
    }),
    claimTasks: createClaimTasks({
      claims: taskClaims,
      shards: engines,
      store: isSpread ? routeTaskReads(engines) : engines[0]!.taskStore,
      finish: (end) => finishes.get(shardOf(end.taskId))!(end),
      beginRun: (scheduleId, taskId, now) => planners.get(shardOf(taskId))!.begin(scheduleId, taskId, now),
      handlers: taskHandlers,
    }),
    watchCases: createWatchCases({
      sources: engines.map(({ number, caseUpdates }) => ({ shard: number, updates: caseUpdates })),
      store: isSpread ? routeCaseReads(engines) : engines[0]!.caseStore,
      now: Date.now,
    }),
    watchJobs: createWatchJobs({
      sources: engines.map(({ number, jobUpdates }) => ({ shard: number, updates: jobUpdates })),
      store: isSpread ? routeTaskReads(engines) : engines[0]!.taskStore,
      now: Date.now,
    }),
    auditLog: createAuditLog(shards),
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
    watchers: () => engines.reduce((sum, { caseUpdates }) => sum + caseUpdates.watcherCount, 0),
    natsConnected: () => link.connected,
    ticketsNotIssued: () => engines.reduce((sum, { announcer }) => sum + announcer.ticketsNotIssued, 0),
    pools: () => shards.map((shard) => ({ shard: shard.number, available: shard.available, ...shard.poolState })),
  });
  const health = new Health({
    shards,
    isNatsConnected: () => link.connected,
    now: () => performance.now(),
  });
  return {
    config,
    log,
    engines,
    shard: engines[0]!.shard,
    topics: engines[0]!.topics,
    announcer: engines[0]!.announcer,
    ledger: engines[0]!.ledger,
    updates: engines[0]!.caseUpdates,
    link,
    tickets,
    consumers,
    bus,
    blobs,
    documents,
    claims,
    queueClaims,
    taskClaims,
    heads,
    mailer,
    taskHandlers,
    planners,
    metrics,
    health,
    services,
    digestResponderOf: digests.responderOf,
    async close() {
      stopHeads();
      routingTable?.close();
      for (const one of everyClaims) one.close();
      queueTraffic.close();
      for (const { announcer } of engines) announcer.close();
      for (const { feed } of engines) feed.stop();
      consumers.close();
      bus.close();
      tickets.close();
      mailer.close();
      await link.drain();
      for (const shard of shards) await shard.close();
      await tracing?.stop();
    },
  };
}
