import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Foundation } from './compose.ts';
import { createDocumentRegister } from './documents/stored-documents.ts';
import { createTransfer } from './documents/transfer.ts';
import type { Page } from './health/health-pages.ts';
import { createHealthPages, sendText, servePage } from './health/health-pages.ts';

/**
 * The gateway's paths beside `/graphql`: documents, health, metrics, and a page that says where to go. With a port of
 * their own the metrics are not served here, where clients come.
 */
export function createRoutes(
  foundation: Foundation,
): (request: IncomingMessage, response: ServerResponse) => Promise<boolean> {
  const { shard, blobs, config, log, health, metrics } = foundation;
  const transfer = createTransfer({ register: createDocumentRegister(shard), blobs, urlSecret: config.urlSecret, log });
  const { '/metrics': counts, ...healthPages } = createHealthPages(health, metrics);
  const hasMetrics = config.healthPort === undefined;
  const pages: Readonly<Record<string, Page>> = {
    '/': (_request, response) =>
      sendText(response, 200, 'text/html; charset=utf-8', startPage(config.mode === 'development', hasMetrics)),
    ...healthPages,
    ...(hasMetrics && counts !== undefined ? { '/metrics': counts } : {}),
  };
  return async (request, response) => {
    if (!(request.url ?? '/').startsWith('/documents/')) return servePage(pages, request, response);
    await transfer.handle(request, response);
    return true;
  };
}

function startPage(development: boolean, hasMetrics: boolean): string {
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
${hasMetrics ? '  <li><a href="/metrics">/metrics</a> counts for Prometheus</li>\n' : ''}</ul>
</html>
`;
}
