import type { Config } from '../../config.ts';
import { readConfig } from '../../config.ts';
import type { Logger } from '../../log.ts';
import { buildDashboard, DashboardBuildError, isDashboardFresh } from '../../site/build-dashboard.ts';
import { withoutPassword } from '../addresses.ts';
import { migrateAll } from '../migrate.ts';
import type { Cleanups } from './cleanups.ts';
import { keepRunning } from './keep-running.ts';
import { provisionStreams } from './provision-streams.ts';
import { startNats, startPostgres } from './servers.ts';
import type { UpSettings } from './settings.ts';
import { noteSurroundings, programEnvironment } from './settings.ts';
import type { Terminal } from './terminal.ts';
import type { WelcomeFacts } from './welcome.ts';

/** What the parts of a start share. */
export interface Start {
  readonly settings: UpSettings;
  readonly terminal: Terminal;
  readonly log: Logger;
  readonly cleanups: Cleanups;
  /** Aborted by Ctrl-C, and when another part has failed. */
  readonly signal: AbortSignal;
  /** A server does not stay up. */
  readonly giveUp: (reason: Error) => void;
}

/**
 * Starts servers and programs. Whatever was started is in the clean-ups, also when this throws.
 * @throws ConfigError before anything is started, and what the parts throw
 */
export async function startAll(start: Start): Promise<WelcomeFacts> {
  requireGoodConfig(start.settings);
  const halting = new AbortController();
  const servers: Start = { ...start, signal: AbortSignal.any([start.signal, halting.signal]) };
  // Loading the programs takes about as long as starting the servers, so both go on at once.
  const loading = Promise.all([import('./programs.ts'), import('./example-data.ts'), import('./people.ts')]);
  const [database, nats, , [{ startPrograms }, { seedOnce }, { createExamplePeople }]] = await allSettled(
    [startDatabase(servers), startMessaging(servers), prepareDashboard(servers), loading],
    () => halting.abort(),
  );
  start.signal.throwIfAborted();
  const environment = programEnvironment(start.settings, process.env, {
    databaseUrls: database.urls,
    natsUrl: nats.url,
  });
  const config = readConfig(environment);
  await prepareServers(start, config);
  start.signal.throwIfAborted();
  const programs = await start.terminal.step(
    'Programs',
    () => startPrograms(config, start.log),
    () => `gateway, worker and scheduler, ${config.publicUrl}`,
  );
  start.cleanups.add('gateway, worker and scheduler', programs.stop);
  noteSurroundings(environment);
  start.signal.throwIfAborted();
  await start.terminal.step(
    'Example data',
    () => seedOnce(start.settings.home, programs.foundation, start.signal),
    (text) => text,
  );
  return {
    publicUrl: config.publicUrl,
    databaseUrl: config.databaseUrls[0]!,
    passwordFile: database.passwordFile,
    natsUrl: config.natsUrl,
    monitorPort: nats.monitorPort,
    mailFolder: config.mail.way.kind === 'folder' ? config.mail.way.folder : undefined,
    people: await createExamplePeople(start.settings.home, config),
  };
}

/** Faults in the environment are said at once; where the servers will be does not matter for that. */
function requireGoodConfig(settings: UpSettings): void {
  const { databaseUrls = 'postgres://127.0.0.1/', natsUrl = 'nats://127.0.0.1' } = settings;
  readConfig(programEnvironment(settings, process.env, { databaseUrls, natsUrl }));
}

/** A dashboard that cannot be built keeps nobody from the API. */
async function prepareDashboard({ terminal, signal }: Start): Promise<void> {
  if (isDashboardFresh()) return;
  try {
    await terminal.step(
      'Dashboard',
      () => buildDashboard(signal),
      () => 'built',
    );
  } catch (error) {
    if (!(error instanceof DashboardBuildError)) throw error;
    terminal.notice(error.message);
  }
}

interface Database {
  readonly urls: string;
  readonly passwordFile: string | undefined;
}

async function startDatabase(start: Start): Promise<Database> {
  const { settings, terminal, log, cleanups, giveUp } = start;
  if (settings.databaseUrls !== undefined) {
    terminal.line(`  PostgreSQL    ${withoutPassword(settings.databaseUrls)} (DATABASE_URLS)`);
    return { urls: settings.databaseUrls, passwordFile: undefined };
  }
  const { postgresPort } = settings;
  const { server, startAgain, url, passwordFile } = await terminal.step(
    'PostgreSQL',
    () => startPostgres(settings, log),
    (started) => describePort(started.server.port, postgresPort.port),
  );
  const notice = (text: string): void => terminal.notice(text);
  cleanups.add('PostgreSQL', keepRunning({ name: 'PostgreSQL', server, startAgain, notice, onGivenUp: giveUp }));
  return { urls: url, passwordFile };
}

interface Messaging {
  readonly url: string;
  readonly monitorPort: number | undefined;
}

async function startMessaging(start: Start): Promise<Messaging> {
  const { settings, terminal, log, cleanups, signal, giveUp } = start;
  if (settings.natsUrl !== undefined) {
    terminal.line(`  NATS          ${withoutPassword(settings.natsUrl)} (NATS_URL)`);
    return { url: settings.natsUrl, monitorPort: undefined };
  }
  const report = (line: string): void => terminal.line(`  NATS          ${line.trim()}`);
  const { server, startAgain } = await terminal.step(
    'NATS',
    () => startNats(settings, log, report, signal),
    (started) => describePort(started.server.port, settings.natsPort.port),
  );
  const notice = (text: string): void => terminal.notice(text);
  cleanups.add('NATS', keepRunning({ name: 'nats-server', server, startAgain, notice, onGivenUp: giveUp }));
  return { url: server.url, monitorPort: server.monitorPort };
}

function describePort(port: number, wanted: number): string {
  const place = `127.0.0.1:${port}`;
  return port === wanted || wanted === 0 ? place : `${place} (${wanted} is used by another program)`;
}

async function prepareServers({ terminal }: Start, config: Config): Promise<void> {
  const applied: string[] = [];
  const migrating = terminal.step(
    'Tables',
    () => migrateAll(config.databaseUrls, (line) => applied.push(line)),
    () =>
      applied.length === 0
        ? 'up to date'
        : `${applied.length} ${applied.length === 1 ? 'migration' : 'migrations'} applied`,
  );
  const provisioning = terminal.step(
    'Streams',
    () => provisionStreams(config),
    (changed) => (changed === 0 ? 'up to date' : `${changed} streams and consumers set up`),
  );
  await allSettled([migrating, provisioning], () => undefined);
}

/** Like `Promise.all`, but what was begun is over when it throws: then nothing is started behind the clean-up's back. */
async function allSettled<Results extends readonly unknown[]>(
  promises: { readonly [Index in keyof Results]: Promise<Results[Index]> },
  onFailure: () => void,
): Promise<Results> {
  for (const promise of promises) promise.catch(onFailure);
  await Promise.allSettled(promises);
  return (await Promise.all(promises)) as unknown as Results;
}
