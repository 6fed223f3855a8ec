import { mkdirSync, readFileSync } from 'node:fs';
import type { Config } from '../../config.ts';
import { ConfigError, readConfig } from '../../config.ts';
import { FolderInUseError, ownFolder as lockFolder } from '../../embedded/folder-owner.ts';
import type { Logger } from '../../log.ts';
import { withoutPassword } from '../addresses.ts';
import { developmentFile } from '../surroundings.ts';
import { Cleanups } from './cleanups.ts';
import type { Interruption } from './interruption.ts';
import { listenForInterruption } from './interruption.ts';
import { keepRunning } from './keep-running.ts';
import { startNats, startPostgres } from './servers.ts';
import type { UpSettings } from './settings.ts';
import { noteSurroundings, programEnvironment, readUpSettings } from './settings.ts';
import { Terminal } from './terminal.ts';
import { createUpLog } from './terminal-log.ts';
import { UpError } from './up-error.ts';
import type { WelcomeFacts } from './welcome.ts';

/** What the parts of a start share. */
interface Start {
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
 * Starts everything, stays until Ctrl-C, SIGTERM or a server that cannot be kept up, and stops everything in reverse.
 * @returns the exit code
 */
export async function runUp(): Promise<number> {
  const terminal = new Terminal();
  const cleanups = new Cleanups();
  const interruption = listenForInterruption(() => terminal.line('\nStopping … (once more Ctrl-C ends it at once)'));
  let exitCode = 0;
  try {
    await runUntilEnd(terminal, cleanups, interruption);
  } catch (error) {
    if (!interruption.signal.aborted) exitCode = reportFailure(terminal, error);
  }
  const failures = await cleanups.run();
  for (const failure of failures) terminal.fault(`Did not stop in order: ${failure}`);
  if (interruption.signal.aborted) terminal.line('Stopped.');
  return failures.length > 0 ? 1 : exitCode;
}

async function runUntilEnd(terminal: Terminal, cleanups: Cleanups, interruption: Interruption): Promise<void> {
  const startedAt = performance.now();
  const settings = await readUpSettings(process.env);
  takeHome(settings.home, cleanups);
  const failed = Promise.withResolvers<never>();
  // Nobody may be waiting for it yet, or any more.
  failed.promise.catch(() => undefined);
  terminal.line(`Caseload starts; what it keeps lies in ${settings.home}`);
  terminal.line();
  const facts = await startAll({
    settings,
    terminal,
    log: createUpLog(terminal, settings.logLevel),
    cleanups,
    signal: interruption.signal,
    giveUp: failed.reject,
  });
  const { describeWelcome } = await import('./welcome.ts');
  terminal.line(`\n${describeWelcome(facts)}`);
  terminal.line(`Ready after ${((performance.now() - startedAt) / 1_000).toFixed(1)} s. Ctrl-C stops everything.`);
  await Promise.race([interruption.happened, failed.promise]);
}

function takeHome(home: string, cleanups: Cleanups): void {
  // Others may pass through, as the account must that PostgreSQL runs under when root starts it; nobody else may look.
  mkdirSync(home, { recursive: true, mode: 0o711 });
  try {
    cleanups.add('the folder', lockFolder(home));
  } catch (error) {
    if (!(error instanceof FolderInUseError)) throw error;
    throw new UpError(
      `Caseload runs already in ${home}, as process ${error.pid}${readAddress()}. Stop that one first with Ctrl-C, or give this one a folder of its own: CASELOAD_HOME=<folder>`,
    );
  }
}

/** Where the other one listens, as far as it has noted that down yet. */
function readAddress(): string {
  try {
    const { HOST = '127.0.0.1', PORT, PUBLIC_URL } = JSON.parse(readFileSync(developmentFile(), 'utf8'));
    return `: ${PUBLIC_URL ?? `http://${HOST}:${PORT}`}/graphql`;
  } catch {
    return '';
  }
}

async function startAll(start: Start): Promise<WelcomeFacts> {
  const halting = new AbortController();
  const servers: Start = { ...start, signal: AbortSignal.any([start.signal, halting.signal]) };
  const [database, nats, { startPrograms }] = await allSettled(
    [startDatabase(servers), startMessaging(servers), import('./programs.ts')],
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
    () => `gateway and scheduler, ${config.publicUrl}`,
  );
  start.cleanups.add('gateway and scheduler', programs.stop);
  noteSurroundings(environment);
  start.signal.throwIfAborted();
  const { seedOnce } = await import('./example-data.ts');
  await start.terminal.step(
    'Example data',
    () => seedOnce(start.settings.home, programs.foundation, start.signal),
    (text) => text,
  );
  const { createExamplePeople } = await import('./people.ts');
  return {
    publicUrl: config.publicUrl,
    databaseUrl: config.databaseUrls[0]!,
    passwordFile: database.passwordFile,
    natsUrl: config.natsUrl,
    monitorPort: nats.monitorPort,
    people: await createExamplePeople(start.settings.home, config),
  };
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
  const { migrateAll } = await import('../migrate.ts');
  const applied: string[] = [];
  const migrating = terminal.step(
    'Tables',
    () => migrateAll(config.databaseUrls, (line) => applied.push(line)),
    () => (applied.length === 0 ? 'up to date' : `${applied.length} migrations applied`),
  );
  const { provisionStreams } = await import('./provision-streams.ts');
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

/** What a person can mend is said without a stack trace. */
function reportFailure(terminal: Terminal, error: unknown): number {
  if (error instanceof ConfigError) {
    terminal.fault(error.message);
    return 2;
  }
  if (error instanceof UpError) {
    terminal.fault(error.message);
    return error.exitCode;
  }
  const ours = error instanceof Error && !(error instanceof TypeError || error instanceof ReferenceError);
  terminal.fault(ours ? error.message : String((error as Error | undefined)?.stack ?? error));
  return 1;
}
