import type { Foundation } from './compose.ts';
import { compose } from './compose.ts';
import { ConfigError, readConfig } from './config.ts';
import { createHealthServer } from './health/health-server.ts';
import type { Service } from './lifecycle.ts';
import { startServices } from './lifecycle.ts';
import { createLogger } from './log.ts';

/**
 * Runs a program until SIGINT or SIGTERM: reads the configuration, composes, starts its services in order and stops
 * them in reverse. With HEALTH_PORT its health and metrics are served meanwhile. A second signal ends it at once, and so
 * does one that comes before it has started. A faulty configuration ends it with 2, any other failure with 1.
 */
export async function runProgram(
  name: string,
  createServices: (foundation: Foundation) => readonly Service[],
): Promise<void> {
  let config: ReturnType<typeof readConfig>;
  try {
    config = readConfig(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(2);
  }
  // As the first process of a container it would ignore a signal that it has no listener for.
  const leave = (): void => process.exit(0);
  process.on('SIGINT', leave);
  process.on('SIGTERM', leave);
  const log = createLogger(name, config.logLevel);
  const foundation = await compose(config, log, name);
  const services = [...createPagesOfItsOwn(foundation), ...createServices(foundation)];
  const stop = await foundation.health
    .startWith(() => startServices(services, log))
    .catch(async (error: unknown) => {
      log.fatal({ err: error }, 'could not start');
      await foundation.close();
      process.exit(1);
    });
  let stopping = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stopping) process.exit(130);
    stopping = true;
    log.info({ signal }, 'stopping');
    foundation.health.drain();
    stop()
      .then(() => foundation.close())
      .then(
        () => process.exit(0),
        (error: unknown) => {
          log.error({ err: error }, 'did not stop in order');
          process.exit(1);
        },
      );
  };
  process.off('SIGINT', leave);
  process.off('SIGTERM', leave);
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
}

function createPagesOfItsOwn({ config, health, metrics, log }: Foundation): readonly Service[] {
  if (config.healthPort === undefined) return [];
  return [createHealthServer({ health, metrics, host: config.host, port: config.healthPort, log })];
}
