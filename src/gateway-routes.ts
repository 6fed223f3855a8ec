import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Foundation } from './compose.ts';
import { createDocumentRegister } from './documents/stored-documents.ts';
import { createTransfer } from './documents/transfer.ts';

const readinessMilliseconds = 1_000;

type Route = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** The gateway's paths beside `/graphql`: documents, health, metrics, and a page that says where to go. */
export function createRoutes(
  foundation: Foundation,
  isDraining: () => boolean,
): (request: IncomingMessage, response: ServerResponse) => Promise<boolean> {
  const { shard, link, blobs, config, log, metrics } = foundation;
  const transfer = createTransfer({ register: createDocumentRegister(shard), blobs, urlSecret: config.urlSecret, log });
  const readiness = createReadiness(foundation);
  const routes: Readonly<Record<string, Route>> = {
    '/': (_request, response) =>
      sendText(response, 200, 'text/html; charset=utf-8', startPage(config.mode === 'development')),
    // Alive says nothing of others: a probe that asked the database would restart every gateway when the database is down.
    '/livez': (_request, response) => sendText(response, 200, 'text/plain; charset=utf-8', 'ok\n'),
    '/readyz': async (_request, response) => {
      const state = await readiness();
      const ready = state.postgres && state.nats && !isDraining();
      sendText(
        response,
        ready ? 200 : 503,
        'application/json',
        `${JSON.stringify({ ready, ...state, draining: isDraining() })}\n`,
      );
    },
    '/metrics': async (_request, response) => {
      sendText(response, 200, metrics.registry.contentType, await metrics.registry.metrics());
    },
  };
  log.debug({ nats: link.connected }, 'routes are ready');
  return async (request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0]!;
    if (path.startsWith('/documents/')) {
      await transfer.handle(request, response);
      return true;
    }
    const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
    if (route === undefined) return false;
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      sendText(response, 405, 'text/plain; charset=utf-8', 'This path takes GET\n');
      return true;
    }
    await route(request, response);
    return true;
  };
}

/** Asks PostgreSQL at most once a second, however many probes come. */
function createReadiness({ shard, link }: Foundation): () => Promise<{ postgres: boolean; nats: boolean }> {
  let asked: Promise<boolean> | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;
  return async () => {
    const now = performance.now();
    if (asked === undefined || now - askedAt > readinessMilliseconds) {
      askedAt = now;
      asked = shard.ping();
    }
    return { postgres: await asked, nats: link.connected };
  };
}

function sendText(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  });
  response.end(text);
}

function startPage(development: boolean): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Caseload</title>
<style>
  body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem; color-scheme: light dark; }
  code { font-size: .95em }
</style>
<h1>Caseload</h1>
<p>This gateway hands out work to one holder at a time.</p>
<ul>
  <li><code>POST /graphql</code> takes operations${development ? '; <a href="/graphql">open GraphiQL</a> to try them' : ''}</li>
  <li><a href="/readyz">/readyz</a> and <a href="/livez">/livez</a> tell its health</li>
  <li><a href="/metrics">/metrics</a> counts for Prometheus</li>
</ul>
</html>
`;
}
