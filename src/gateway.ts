import { createAuthenticator } from './auth/tokens.ts';
import type { Foundation } from './compose.ts';
import { createRoutes } from './gateway-routes.ts';
import { schema } from './graphql/schema.ts';
import { createGateway } from './graphql/server.ts';
import type { Service } from './lifecycle.ts';
import { runProgram } from './program.ts';

/** How long a stop waits for what is under way; long polls are answered at once. */
const graceMilliseconds = 20_000;

/** GraphQL over HTTP, event streams and WebSockets; documents; health and metrics. */
export function createGatewayService(foundation: Foundation, onListening: (port: number) => void): Service {
  const { config, log, services, metrics } = foundation;
  let draining = false;
  const gateway = createGateway({
    schema,
    services,
    authenticate: createAuthenticator(config),
    log,
    mode: config.mode,
    allowedOrigins: config.allowedOrigins,
    otherRoutes: createRoutes(foundation, () => draining),
    observe: (url, status, seconds) => metrics.observeRequest(url, status, seconds),
  });
  return {
    name: 'gateway',
    async start() {
      const { port } = await gateway.start(config.port, config.host);
      onListening(port);
      log.info({ port, host: config.host }, 'gateway listens');
    },
    async stop() {
      draining = true;
      foundation.claims.drain();
      await gateway.stop(graceMilliseconds);
    },
  };
}

if (import.meta.main) {
  await runProgram('gateway', (foundation) => [createGatewayService(foundation, () => undefined)]);
}
