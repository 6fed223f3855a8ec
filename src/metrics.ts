import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export interface WatchedState {
  readonly claimersWaiting: () => number;
  readonly watchers: () => number;
  readonly natsConnected: () => boolean;
  readonly ticketsNotIssued: () => number;
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
  readonly batchRows = new Histogram({
    name: 'caseload_batch_rows',
    help: 'Requests that went together in one statement',
    labelNames: ['statement'] as const,
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
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

  /** Values that are read when somebody asks for them. */
  watch(state: WatchedState): void {
    this.gauge('caseload_claimers_waiting', 'Claims that wait in this process', state.claimersWaiting);
    this.gauge('caseload_case_watchers', 'Subscriptions to cases in this process', state.watchers);
    this.gauge('caseload_nats_connected', '1 while NATS is connected', () => (state.natsConnected() ? 1 : 0));
    this.gauge(
      'caseload_tickets_not_issued',
      'Tickets since the start whose storing failed; the reconciler issues them',
      state.ticketsNotIssued,
    );
  }

  gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(read());
      },
    });
  }
}
