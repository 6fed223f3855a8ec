import type { Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { issueToken } from '../../src/auth/tokens.ts';
import { readConfig } from '../../src/config.ts';
import { createGatewayService } from '../../src/gateway.ts';
import { callApi } from '../../src/jetstream/api.ts';
import { ticketSubject } from '../../src/jetstream/subjects.ts';
import type { Service } from '../../src/lifecycle.ts';
import { createWebhook } from '../../src/tasks/handlers/webhook.ts';
import { contextOf, currentTraceparent } from '../../src/telemetry/traceparent.ts';
import type { TestEngine } from '../support/engine.ts';
import { startEngine, testSecret } from '../support/engine.ts';
import { handlerOf } from '../tasks/handler-of.ts';
import { startWorker, untilStatus } from '../tasks/task-engine.ts';

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly status: { readonly code?: number; readonly message?: string };
}

/** Stands for an OpenTelemetry collector, and for a receiver of webhooks. */
class Collector {
  readonly spans: Span[] = [];
  readonly services = new Set<string>();
  readonly webhookTraces: unknown[] = [];
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      void text(request).then((body) => {
        if (request.url === '/v1/traces') this.#take(JSON.parse(body));
        if (request.url === '/hook') this.webhookTraces.push(request.headers.traceparent);
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      });
    });
  }

  // biome-ignore lint/suspicious/noExplicitAny: the protocol's JSON
  #take(body: any): void {
    for (const resource of body.resourceSpans) {
      for (const { key, value } of resource.resource.attributes)
        if (key === 'service.name') this.services.add(value.stringValue);
      for (const scope of resource.scopeSpans) this.spans.push(...scope.spans);
    }
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const collector = new Collector();
const client = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
let engine: TestEngine;
let gateway: Service;
let stopWorker: () => Promise<void>;
let base: string;
let collectorUrl: string;
let token: string;
const seenByHandler: (string | null)[] = [];
let metrics: () => Promise<string>;

beforeAll(async () => {
  collectorUrl = await collector.listen();
  engine = await startEngine({ OTEL_EXPORTER_OTLP_ENDPOINT: collectorUrl });
  await engine.startScheduler();
  gateway = createGatewayService(engine.foundation, (port) => {
    base = `http://127.0.0.1:${port}`;
  });
  await gateway.start();
  const worker = await engine.another();
  metrics = () => worker.metrics.registry.metrics();
  stopWorker = await startWorker(worker, [
    handlerOf('traced', async () => {
      seenByHandler.push(currentTraceparent());
      return undefined;
    }),
    handlerOf('broken', async () => {
      throw new Error('out of ink');
    }),
    createWebhook({ webhooks: { secret: testSecret, privateAddresses: 'loopback' } }),
  ]);
  const claims = { subject: 'paul', namespace: 'acme', roles: ['producer'] as const };
  token = await issueToken({ ...claims, secret: testSecret, expiresInSeconds: 600 });
});
afterAll(async () => {
  await collector.close();
});

async function create(tasks: readonly object[], headers: object = {}): Promise<readonly string[]> {
  const query =
    'mutation Mine($input: CreateJobInput!) { createJob(input: $input) { ... on JobCreated { job { tasks { id } } } } }';
  const response = await fetch(`${base}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers },
    body: JSON.stringify({ query, variables: { input: { namespace: 'acme', kind: 'order', tasks } } }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: an answer
  const { data } = (await response.json()) as any;
  return data.createJob.job.tasks.map((task: { id: string }) => task.id);
}

/** Of the last ticket that was issued for a kind; empty while there is none. */
async function readTicketHeaders(kind: string): Promise<string> {
  const request = { last_by_subj: ticketSubject({ system: 'tasks', namespace: 'acme', topic: kind, shard: 0 }) };
  const found = await callApi<{ message: { hdrs?: string } }>(
    engine.foundation.link,
    'STREAM.MSG.GET.TASKS',
    request,
  ).catch(() => undefined);
  return Buffer.from(found?.message.hdrs ?? '', 'base64').toString();
}

describe('traces', () => {
  it('lead from the client by way of the mutation, the row and the ticket to the handler', async () => {
    const traceparent = `00-${client.traceId}-${client.spanId}-01`;
    const [plain] = await create([{ kind: 'traced' }], { traceparent });
    const [keyed] = await create([{ kind: 'traced', uniqueKey: 'one' }], { traceparent });
    const [broken] = await create([{ kind: 'broken', maxAttempts: 1 }]);
    await create([{ kind: 'unserved' }], { traceparent });
    await expect.poll(() => readTicketHeaders('unserved')).toContain('traceparent');
    const carried = /^traceparent: (.*?)\r?$/m.exec(await readTicketHeaders('unserved'))?.[1];
    expect(carried).toMatch(new RegExp(`^00-${client.traceId}-`));
    // Tickets that others issue than who created the task: after a wait, and when what was waited for has ended.
    await create([{ kind: 'unserved-late', runAt: new Date(Date.now() + 300).toISOString() }], { traceparent });
    const first = { kind: 'webhook', name: 'first', payload: { url: `${collectorUrl}hook` } };
    const [called] = await create([first, { kind: 'unserved-second', dependsOn: ['first'] }], { traceparent });
    for (const kind of ['unserved-late', 'unserved-second'])
      await expect
        .poll(() => readTicketHeaders(kind), { timeout: 5_000 })
        .toContain(`traceparent: 00-${client.traceId}-`);
    await untilStatus(engine.foundation, called!, 'SUCCEEDED');
    for (const id of [plain!, keyed!]) await untilStatus(engine.foundation, id, 'SUCCEEDED');
    await untilStatus(engine.foundation, broken!, 'FAILED');
    const pool = await engine.foundation.shard.pool();
    const rows = await pool.query<{ traceparent: string }>('select traceparent from tasks where id = any ($1)', [
      [plain, keyed],
    ]);
    expect(await metrics()).toMatch(/^caseload_task_duration_seconds_count\{.*kind="traced".*\} 2$/m);
    // What was not sent yet is sent when the programs stop.
    await stopWorker();
    await gateway.stop();
    await engine.stop();
    const mutations = collector.spans.filter((span) => span.name === 'mutation createJob');
    expect(mutations).toHaveLength(6);
    const all = mutations.filter((span) => span.traceId === client.traceId);
    expect(all.map((span) => span.parentSpanId)).toEqual(new Array(5).fill(client.spanId));
    expect(all.filter((span) => carried?.includes(span.spanId))).toHaveLength(1);
    const call = collector.spans.find((span) => span.name === 'task webhook');
    expect(collector.webhookTraces).toEqual([`00-${client.traceId}-${call?.spanId}-01`]);
    const tasks = collector.spans.filter((span) => span.name === 'task traced');
    const ours = all.filter((span) => tasks.some((task) => task.parentSpanId === span.spanId));
    expect(ours).toHaveLength(2);
    expect(tasks.map((span) => [span.traceId, span.parentSpanId]).toSorted()).toEqual(
      ours.map((span) => [client.traceId, span.spanId]).toSorted(),
    );
    expect(rows.rows.map((row) => row.traceparent).toSorted()).toEqual(
      ours.map((span) => `00-${client.traceId}-${span.spanId}-01`).toSorted(),
    );
    expect(seenByHandler.toSorted()).toEqual(tasks.map((span) => `00-${client.traceId}-${span.spanId}-01`).toSorted());
    const failed = collector.spans.find((span) => span.name === 'task broken');
    expect(failed?.status).toEqual({ code: 2, message: 'Error: out of ink' });
    expect(collector.services).toEqual(new Set(['caseload-test']));
  });

  it('are off without a collector, and begin anew where a header is none', () => {
    expect(currentTraceparent()).toBeNull();
    for (const header of [undefined, null, '', 'nonsense', `00-${'0'.repeat(32)}-${client.spanId}-01`])
      expect(contextOf(header)).toBe(contextOf(undefined));
    expect(() => readConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' })).toThrow(/OTEL_EXPORTER_OTLP_ENDPOINT/);
  });
});
