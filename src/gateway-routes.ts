import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Foundation } from './compose.ts';
import { createAnswerPage } from './digests/answer-page.ts';
import { createTransfer } from './documents/transfer.ts';
import type { Page } from './health/health-pages.ts';
import { createHealthPages, sendText, servePage } from './health/health-pages.ts';
import { dashboardFolder, openDashboard } from './site/dashboard-files.ts';
import { createSessionRoutes } from './site/session-routes.ts';

/**
 * The gateway's paths beside `/graphql`: documents, the page of providers' answers, health, metrics, the
 * dashboard and its sign-in. With a port of
 * their own the metrics are not served here, where clients come.
 */
export function createRoutes(
  foundation: Foundation,
): (request: IncomingMessage, response: ServerResponse) => Promise<boolean> {
  const { documents, blobs, config, log, health, metrics } = foundation;
  const { urlSecret, urlSecretPrevious } = config;
  const transfer = createTransfer({ register: documents, blobs, urlSecret, urlSecretPrevious, log });
  const answerPage = createAnswerPage({
    responderOf: foundation.digestResponderOf,
    urlSecret,
    urlSecretPrevious,
    now: Date.now,
    log,
  });
  const { '/metrics': counts, ...healthPages } = createHealthPages(health, metrics);
  const hasMetrics = config.healthPort === undefined;
  const session = createSessionRoutes(config);
  const dashboard = openDashboard({
    folder: dashboardFolder,
    connectTo: config.oidc === undefined ? [] : [new URL(config.oidc.authority).origin],
  });
  if (dashboard === undefined) log.warn('the dashboard is not built; caseload dashboard builds it');
  const pages: Readonly<Record<string, Page>> = {
    ...healthPages,
    ...(hasMetrics && counts !== undefined ? { '/metrics': counts } : {}),
    ...(dashboard === undefined ? { '/': answerWithoutDashboard } : {}),
  };
  return async (request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0]!;
    if (path.startsWith('/documents/')) {
      await transfer.handle(request, response);
      return true;
    }
    if (path.startsWith('/answer/')) {
      await answerPage(request, response);
      return true;
    }
    if (path === '/session' || path.startsWith('/session/')) return session.answer(request, response, path);
    if (await servePage(pages, request, response)) return true;
    return (await dashboard?.answer(request, response, path)) ?? false;
  };
}

const answerWithoutDashboard: Page = (_request, response) =>
  sendText(
    response,
    200,
    'text/plain; charset=utf-8',
    'This gateway answers at POST /graphql. Its dashboard is not built here: caseload dashboard builds it.\n',
  );
