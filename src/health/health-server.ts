import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Service } from '../lifecycle.ts';
import type { Logger } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Health } from './health.ts';
import { createHealthPages, sendText, servePage } from './health-pages.ts';

export interface HealthServerOptions {
  readonly health: Health;
  readonly metrics: Metrics;
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly log: Logger;
}

const connectionsMax = 100;
const requestMilliseconds = 10_000;

/** Health and metrics of a program on a port of their own, so that they need not stand beside what clients reach. */
export function createHealthServer({ health, metrics, host, port, log }: HealthServerOptions): Service {
  const pages = createHealthPages(health, metrics);
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      if (await servePage(pages, request, response)) return;
      sendText(response, 404, 'text/plain; charset=utf-8', 'There is nothing here\n');
    } catch (error) {
      log.error({ err: error }, 'a page could not be made');
      if (response.headersSent) response.destroy();
      else sendText(response, 500, 'text/plain; charset=utf-8', 'The page could not be made\n');
    }
  };
  const server = createServer(
    { maxHeaderSize: 8_192, headersTimeout: requestMilliseconds, requestTimeout: requestMilliseconds },
    (request, response) => void answer(request, response),
  );
  server.maxConnections = connectionsMax;
  return {
    name: 'health server',
    async start() {
      server.listen(port, host);
      await once(server, 'listening');
      log.info({ port: (server.address() as AddressInfo).port, host }, 'health and metrics are served');
    },
    async stop() {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
