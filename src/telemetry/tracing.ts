import { trace } from '@opentelemetry/api';

export interface Tracing {
  /** Sends what has not been sent yet, and ends. */
  stop(): Promise<void>;
}

/** How long a stop waits for the collector. */
const flushMilliseconds = 5_000;
let opened: { readonly tracing: Promise<Tracing>; users: number } | undefined;

/**
 * Sends spans to a collector over OTLP. The packages for that are loaded now, so that a program that traces nothing does
 * not pay for them. Several programs in one process, as under `npm start`, share one.
 * @param endpoint `OTEL_EXPORTER_OTLP_ENDPOINT`: where `/v1/traces` is
 * @param program the service's name in the traces, after `caseload-`
 */
export async function startTracing(endpoint: string, program: string): Promise<Tracing> {
  opened ??= { tracing: open(endpoint, program), users: 0 };
  const shared = opened;
  shared.users += 1;
  const tracing = await shared.tracing;
  let stopped = false;
  return {
    async stop() {
      if (stopped) return;
      stopped = true;
      shared.users -= 1;
      if (shared.users > 0) return;
      if (opened === shared) opened = undefined;
      await tracing.stop();
    },
  };
}

/** Whether this process sends spans anywhere. */
export function isTracing(): boolean {
  return opened !== undefined;
}

async function open(endpoint: string, program: string): Promise<Tracing> {
  const { BatchSpanProcessor, NodeTracerProvider } = await import('@opentelemetry/sdk-trace-node');
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http');
  const url = `${endpoint.replace(/\/+$/, '')}/v1/traces`;
  const provider = new NodeTracerProvider({
    resource: describeService(`caseload-${program}`),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url, timeoutMillis: flushMilliseconds }))],
  });
  provider.register();
  return {
    async stop() {
      trace.disable();
      // A collector that is away keeps nobody from stopping.
      await provider.shutdown().catch(() => undefined);
    },
  };
}

/** What the collector is told of this program. */
function describeService(name: string) {
  const attributes = { 'service.name': name, 'service.namespace': 'caseload' };
  const resource = {
    attributes,
    merge: () => resource,
    getRawAttributes: () => Object.entries(attributes),
  };
  return resource;
}
