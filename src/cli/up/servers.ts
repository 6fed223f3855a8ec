import { dirname, join } from 'node:path';
import type { EmbeddedNats } from '../../embedded/nats-server.ts';
import { findNatsServer, startNatsServer } from '../../embedded/nats-server.ts';
import { PortBusyError } from '../../embedded/ports.ts';
import type { EmbeddedPostgres } from '../../embedded/postgres.ts';
import { startEmbeddedPostgres } from '../../embedded/postgres.ts';
import type { Logger } from '../../log.ts';
import type { UpSettings, WantedPort } from './settings.ts';

/** The monitoring pages of nats-server lie this far above its port. */
const monitorDistance = 4_000;

export interface StartedPostgres {
  readonly server: EmbeddedPostgres;
  /** Starts it again on the port that it has now. */
  readonly startAgain: () => Promise<EmbeddedPostgres>;
  readonly url: string;
  readonly passwordFile: string;
}

/** Starts PostgreSQL with the database `caseload`, on a free port when the usual one is busy. */
export async function startPostgres(settings: UpSettings, log: Logger): Promise<StartedPostgres> {
  const start = (port: number): Promise<EmbeddedPostgres> =>
    startEmbeddedPostgres({ directory: join(settings.home, 'postgres'), port, log });
  const server = await onFreePort(settings.postgresPort, start);
  try {
    return {
      server,
      startAgain: () => start(server.port),
      url: await server.ensureDatabase('caseload'),
      passwordFile: join(dirname(server.dataDirectory), 'password'),
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

export interface StartedNats {
  readonly server: EmbeddedNats;
  /** Starts it again on the ports that it has now. */
  readonly startAgain: () => Promise<EmbeddedNats>;
}

/** Starts nats-server, on free ports when the usual ones are busy; gets the program where the machine has none. */
export async function startNats(
  settings: UpSettings,
  log: Logger,
  report: (line: string) => void,
  signal: AbortSignal,
): Promise<StartedNats> {
  const binary = await findNatsServer({
    cacheDirectory: join(settings.home, 'cache'),
    environment: process.env,
    report,
    signal,
  });
  signal.throwIfAborted();
  const start = (port: number, monitorPort: number): Promise<EmbeddedNats> =>
    startNatsServer({
      binary,
      directory: join(settings.home, 'nats'),
      port,
      monitorPort,
      serverName: 'caseload',
      log,
    });
  const { port, asked } = settings.natsPort;
  const monitorPort = port === 0 || port + monitorDistance > 65_535 ? 0 : port + monitorDistance;
  const server = await onFreePort({ port, asked }, (chosen) =>
    onFreePort({ port: monitorPort, asked: false }, (monitor) => start(chosen, monitor), chosen),
  );
  return { server, startAgain: () => start(server.port, server.monitorPort) };
}

/**
 * Starts something on the wanted port, or on a free one when that is busy and was not asked for.
 * @param otherPort a port whose being busy is somebody else's matter
 */
async function onFreePort<Server>(
  { port, asked }: WantedPort,
  start: (port: number) => Promise<Server>,
  otherPort?: number,
): Promise<Server> {
  try {
    return await start(port);
  } catch (error) {
    if (!(error instanceof PortBusyError) || asked || port === 0 || error.port === otherPort) throw error;
    return start(0);
  }
}
