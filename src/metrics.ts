import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** The open items of one topic on one shard, as the scheduler last counted them. */
export interface TopicBacklog {
  readonly system: string;
  readonly namespace: string;
  readonly topic: string;
  readonly waiting: number;
  readonly leased: number;
  readonly delayed: number;
  /** Tasks that failed for good, and items that became dead letters: somebody has to look. */
  readonly dead: number;
  /** How long the one that waits longest has been ready. */
  readonly oldestSeconds: number;
}

/** How the digests of a shard stand, as the scheduler last counted them. */
export interface DigestBacklog {
  /** Windows that collect. */
  readonly open: number;
  /** Windows whose end has passed, and that nobody has sealed. */
  readonly late: number;
  /** Due, but their recipient is paused or its mail bounces. */
  readonly held: number;
  readonly sealed: number;
  readonly sending: number;
  readonly failed: number;
  /** Recipients that are stopped. */
  readonly bounced: number;
  readonly paused: number;
  /** Requests that were not answered in time. */
  readonly overdue: number;
  /** Mails of which somebody has to say what became of them. */
  readonly uncertain: number;
}

export interface ShardBacklog {
  readonly digests: DigestBacklog;
  readonly topics: readonly TopicBacklog[];
  /** Topics with open items that are not in the list, because it would grow too long. */
  readonly topicsLeftOut: number;
  /** How long the oldest event that was not published yet has waited. */
  readonly eventSeconds: number;
  readonly measuredAt: Date;
}

interface PoolCounts {
  readonly available: boolean;
  readonly shard: number;
  readonly total: number;
  readonly idle: number;
  readonly waiting: number;
}

export interface WatchedState {
  readonly claimersWaiting: () => number;
  readonly watchers: () => number;
  readonly natsConnected: () => boolean;
  readonly ticketsNotIssued: () => number;
  readonly pools: () => readonly PoolCounts[];
}

/** What a program counts, in Prometheus text. Names start with `caseload_`; times are in seconds. */
export class Metrics {
  readonly registry = new Registry();
  readonly #requests = new Counter({
    name: 'caseload_http_requests_total',
    help: 'HTTP requests answered, by path and status class',
    labelNames: ['path', 'status'] as const,
    registers: [this.registry],
  });
  readonly #requestSeconds = new Histogram({
    name: 'caseload_http_request_duration_seconds',
    help: 'Time to answer HTTP requests, long polls included',
    labelNames: ['path'] as const,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30],
    registers: [this.registry],
  });
  readonly #operations = new Counter({
    name: 'caseload_operations_total',
    help: 'GraphQL operations that were run, by the field they asked for and by `ok` or the code of their fault',
    labelNames: ['operation', 'outcome'] as const,
    registers: [this.registry],
  });
  readonly #operationSeconds = new Histogram({
    name: 'caseload_operation_duration_seconds',
    help: 'Time of GraphQL operations; claims that wait are in it with their wait, subscriptions until they are open',
    labelNames: ['operation'] as const,
    buckets: [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30],
    registers: [this.registry],
  });
  readonly #backlogs = new Map<number, ShardBacklog>();
  readonly batchRows = new Histogram({
    name: 'caseload_batch_rows',
    help: 'Requests that went together in one statement',
    labelNames: ['statement'] as const,
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
    registers: [this.registry],
  });
  readonly #taskSeconds = new Histogram({
    name: 'caseload_task_duration_seconds',
    help: 'Time of attempts of tasks, by kind and by how they ended',
    labelNames: ['kind', 'outcome'] as const,
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120, 600],
    registers: [this.registry],
  });
  readonly #taskWaitSeconds = new Histogram({
    name: 'caseload_task_wait_seconds',
    help: 'How long tasks had been ready when a worker took them, by kind',
    labelNames: ['kind'] as const,
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 120, 600, 3_600],
    registers: [this.registry],
  });
  readonly leasesExpired = new Counter({
    name: 'caseload_leases_expired_total',
    help: 'Leases that ran out and were returned by this process',
    registers: [this.registry],
  });

  constructor(program: string) {
    this.registry.setDefaultLabels({ program });
    collectDefaultMetrics({ register: this.registry, prefix: 'caseload_' });
  }

  /** Counts an answered request under one of a few paths: labels that clients could choose would grow without bound. */
  observeRequest(url: string, status: number, seconds: number): void {
    const path = url.startsWith('/graphql') ? 'graphql' : url.startsWith('/documents/') ? 'documents' : 'other';
    this.#requests.inc({ path, status: `${Math.floor(status / 100)}xx` });
    this.#requestSeconds.observe({ path }, seconds);
  }

  /** Counts an operation that is over. */
  observeOperation(operation: string, outcome: string, seconds: number): void {
    this.#operations.inc({ operation, outcome });
    this.#operationSeconds.observe({ operation }, seconds);
  }

  /** Counts an attempt of a task that ended in this process. The kinds are those that it has handlers for. */
  observeTask(kind: string, outcome: string, waitSeconds: number, runSeconds: number): void {
    this.#taskSeconds.observe({ kind, outcome }, runSeconds);
    this.#taskWaitSeconds.observe({ kind }, waitSeconds);
  }

  /** Keeps what was counted on a shard, in the place of what was counted there before. */
  setBacklog(shard: number, backlog: ShardBacklog): void {
    if (this.#backlogs.size === 0) this.#registerBacklogs();
    this.#backlogs.set(shard, backlog);
  }

  /** Values that are read when somebody asks for them. */
  watch(state: WatchedState): void {
    this.#registerPools(state.pools);
    this.gauge('caseload_claimers_waiting', 'Claims that wait in this process', state.claimersWaiting);
    this.gauge('caseload_case_watchers', 'Subscriptions to cases in this process', state.watchers);
    this.gauge('caseload_nats_connected', '1 while NATS is connected', () => (state.natsConnected() ? 1 : 0));
    this.gauge(
      'caseload_tickets_not_issued',
      'Tickets since the start whose storing failed; the reconciler issues them',
      state.ticketsNotIssued,
    );
  }

  /** A value read at each look. Made a second time, by a gateway that was started anew, it replaces the first. */
  gauge(name: string, help: string, read: () => number): void {
    this.registry.removeSingleMetric(name);
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(read());
      },
    });
  }

  /** A number that only rises while the process lives. */
  counter(name: string, help: string, read: () => number): void {
    new Counter({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  }

  #registerPools(read: WatchedState['pools']): void {
    this.#samples('caseload_pool_connections', 'Connections to PostgreSQL by state', ['shard', 'state'], (set) => {
      for (const { shard, total, idle } of read()) {
        set({ shard, state: 'busy' }, total - idle);
        set({ shard, state: 'idle' }, idle);
      }
    });
    this.#samples('caseload_pool_waiting', 'Callers that wait for a connection to PostgreSQL', ['shard'], (set) => {
      for (const { shard, waiting } of read()) set({ shard }, waiting);
    });
    const help = '1 while statements for a shard are tried, 0 while its circuit breaker is open';
    this.#samples('caseload_shard_available', help, ['shard'], (set) => {
      for (const { shard, available } of read()) set({ shard }, available ? 1 : 0);
    });
  }

  #registerBacklogs(): void {
    const backlogs = this.#backlogs;
    const topicLabels = ['shard', 'system', 'namespace', 'topic'];
    this.#samples('caseload_topic_items', 'Items of a topic by state', [...topicLabels, 'state'], (set) => {
      for (const [shard, { topics }] of backlogs)
        for (const { system, namespace, topic, ...counts } of topics)
          for (const state of ['waiting', 'leased', 'delayed', 'dead'] as const)
            set({ shard, system, namespace, topic, state }, counts[state]);
    });
    const oldest = 'How long the item that waits longest has been ready';
    this.#samples('caseload_topic_oldest_waiting_seconds', oldest, topicLabels, (set) => {
      for (const [shard, { topics }] of backlogs)
        for (const { system, namespace, topic, oldestSeconds } of topics)
          set({ shard, system, namespace, topic }, oldestSeconds);
    });
    this.#registerDigests();
    const leftOut = 'Topics with items that are not shown one by one';
    this.#samples('caseload_topics_left_out', leftOut, ['shard'], (set) => {
      for (const [shard, { topicsLeftOut }] of backlogs) set({ shard }, topicsLeftOut);
    });
    const behind = 'How long the oldest event that was not published yet has waited';
    this.#samples('caseload_event_relay_behind_seconds', behind, ['shard'], (set) => {
      for (const [shard, { eventSeconds }] of backlogs) set({ shard }, eventSeconds);
    });
    const measured = 'When the items of a shard were last counted';
    this.#samples('caseload_backlog_measured_timestamp_seconds', measured, ['shard'], (set) => {
      for (const [shard, { measuredAt }] of backlogs) set({ shard }, measuredAt.getTime() / 1_000);
    });
  }

  #registerDigests(): void {
    const backlogs = this.#backlogs;
    const help =
      'Digests by how they stand; late: the window has ended and nobody sealed it; held: the recipient is stopped';
    this.#samples('caseload_digests', help, ['shard', 'state'], (set) => {
      for (const [shard, { digests }] of backlogs)
        for (const state of ['open', 'late', 'held', 'sealed', 'sending', 'failed'] as const)
          set({ shard, state }, digests[state]);
    });
    const stopped = 'Providers and customers whose digests do not go';
    this.#samples('caseload_digest_recipients_stopped', stopped, ['shard', 'why'], (set) => {
      for (const [shard, { digests }] of backlogs)
        for (const why of ['bounced', 'paused'] as const) set({ shard, why }, digests[why]);
    });
    const overdue = 'Requests that were not answered in time, and are not over';
    this.#samples('caseload_requests_overdue', overdue, ['shard'], (set) => {
      for (const [shard, { digests }] of backlogs) set({ shard }, digests.overdue);
    });
    const uncertain = 'Mails that the server may have or not: an operator has to say';
    this.#samples('caseload_mails_uncertain', uncertain, ['shard'], (set) => {
      for (const [shard, { digests }] of backlogs) set({ shard }, digests.uncertain);
    });
  }

  /** A gauge whose labels come and go: what is not set at one collection is not shown. */
  #samples(
    name: string,
    help: string,
    labelNames: readonly string[],
    read: (set: (labels: Readonly<Record<string, string | number>>, value: number) => void) => void,
  ): void {
    new Gauge({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.registry],
      collect() {
        this.reset();
        read((labels, value) => this.set(labels, value));
      },
    });
  }
}
