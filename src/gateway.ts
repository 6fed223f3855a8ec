import { createAuthenticator } from './auth/tokens.ts';
import type { Foundation } from './compose.ts';
import { createRoutes } from './gateway-routes.ts';
import { schema } from './graphql/schema.ts';
import { createGateway } from './graphql/server.ts';
import { IdleMemory } from './idle-memory.ts';
import type { Service } from './lifecycle.ts';
import { runProgram } from './program.ts';

/** How long a stop waits for what is under way; long polls are answered at once. */
const graceMilliseconds = 20_000;

/** GraphQL over HTTP, event streams and WebSockets; documents; health and metrics. */
export function createGatewayService(foundation: Foundation, onListening: (port: number) => void): Service {
  const { config, log, services, metrics, health } = foundation;
  const gateway = createGateway({
    schema,
    services,
    authenticate: createAuthenticator(config),
    log,
    mode: config.mode,
    allowedOrigins: config.allowedOrigins,
    traces: config.tracesUrl !== undefined,
    otherRoutes: createRoutes(foundation),
    observe: (url, status, seconds) => metrics.observeRequest(url, status, seconds),
    observeOperation: (name, outcome, seconds) => metrics.observeOperation(name, outcome, seconds),
  });
  metrics.gauge('caseload_websocket_clients', 'WebSockets that are open', () => gateway.counts.webSockets);
  metrics.gauge(
    'caseload_subscriptions',
    'Subscriptions that are open, over sockets and streams',
    () => gateway.counts.subscriptions,
  );
  return {
    name: 'gateway',
    async start() {
      const { port } = await gateway.start(config.port, config.host);
      onListening(port);
      log.info({ port, host: config.host }, 'gateway listens');
    },
    async stop() {
      health.drain();
      foundation.claims.drain();
      foundation.queueClaims.drain();
      foundation.taskClaims.drain();
      await gateway.stop(graceMilliseconds);
    },
  };
}

if (import.meta.main) {
  await runProgram('gateway', (foundation) => [
    new IdleMemory(foundation.log),
    createGatewayService(foundation, () => undefined),
  ]);
}
