import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Metrics } from '../metrics.ts';
import type { Health } from './health.ts';

export type Page = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** `/livez`, `/readyz` and `/metrics`, by their paths. */
export function createHealthPages(health: Health, metrics: Metrics): Readonly<Record<string, Page>> {
  return {
    // Alive says nothing of others: a probe that asked the database would restart every program when the database is down.
    '/livez': (_request, response) => sendText(response, 200, 'text/plain; charset=utf-8', 'ok\n'),
    '/readyz': async (_request, response) => {
      const state = await health.read();
      sendText(response, state.ready ? 200 : 503, 'application/json', `${JSON.stringify(state)}\n`);
    },
    '/metrics': async (_request, response) => {
      sendText(response, 200, metrics.registry.contentType, await metrics.registry.metrics());
    },
  };
}

/**
 * Answers with the page of the request's path, if there is one.
 * @returns whether there is
 */
export async function servePage(
  pages: Readonly<Record<string, Page>>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const path = (request.url ?? '/').split('?', 1)[0]!;
  const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
  if (page === undefined) return false;
  if (request.method === 'GET' || request.method === 'HEAD') {
    await page(request, response);
    return true;
  }
  response.setHeader('allow', 'GET, HEAD');
  sendText(response, 405, 'text/plain; charset=utf-8', 'This path takes GET\n');
  return true;
}

export function sendText(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  });
  response.end(text);
}
