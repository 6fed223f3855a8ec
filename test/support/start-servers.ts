import { glob, readdir, rm } from 'node:fs/promises';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { migrateAll } from '../../src/cli/migrate.ts';
import { FolderInUseError, ownFolder } from '../../src/embedded/folder-owner.ts';
import { findNatsServer, startNatsServer } from '../../src/embedded/nats-server.ts';
import { startEmbeddedPostgres } from '../../src/embedded/postgres.ts';
import { removePostgresHome } from '../../src/embedded/postgres-home.ts';
import { createLogger } from '../../src/log.ts';
import type {} from './servers.ts';

const stateDirectory = fileURLToPath(new URL('../../.caseload', import.meta.url));

/** What the databases of the tests are copied from: a tenth of the time that it takes to make each anew. */
const migratedDatabase = 'caseload_migrated';

interface RunningServer {
  readonly name: string;
  readonly stop: () => Promise<void>;
}

/**
 * Starts one PostgreSQL and one nats-server for the whole test run, in a folder of the run.
 * @returns what stops them and removes the folder; it is also done when the start fails half way.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await removeDeadRuns();
  const directory = join(stateDirectory, `test-${process.pid}`);
  const release = ownFolder(directory);
  const servers: RunningServer[] = [];
  const stopListening = onInterrupt(() => stopAll(servers));
  const tearDown = async (): Promise<void> => {
    stopListening();
    await stopAll(servers);
    await removeRun(directory);
    release();
  };
  try {
    await startAll(project, directory, servers);
    return tearDown;
  } catch (error) {
    await tearDown();
    throw error;
  }
}

async function startAll(project: TestProject, directory: string, servers: RunningServer[]): Promise<void> {
  const log = createLogger('test', process.env.TEST_LOG_LEVEL ?? 'warn');
  const cacheDirectory = join(stateDirectory, 'cache');
  const natsServer = await findNatsServer({ cacheDirectory, environment: process.env, report: console.error });
  const postgres = await startEmbeddedPostgres({ directory: join(directory, 'postgres'), port: 0, log });
  servers.push({ name: 'PostgreSQL', stop: postgres.stop });
  const nats = await startNatsServer({
    binary: natsServer,
    directory: join(directory, 'nats'),
    port: 0,
    serverName: 'caseload-test',
    log,
  });
  servers.push({ name: 'nats-server', stop: nats.stop });
  await migrateAll([await postgres.ensureDatabase(migratedDatabase)], () => undefined);
  project.provide('runDirectory', directory);
  project.provide('postgresUrl', postgres.url('postgres'));
  project.provide('migratedDatabase', migratedDatabase);
  project.provide('natsUrl', nats.url);
  project.provide('natsServer', natsServer);
}

async function stopAll(servers: RunningServer[]): Promise<void> {
  const errors: unknown[] = [];
  for (const { name, stop } of servers.splice(0).reverse()) {
    try {
      await stop();
    } catch (error) {
      errors.push(new Error(`${name} could not be stopped`, { cause: error }));
    }
  }
  if (errors.length > 0) throw new AggregateError(errors, 'The test servers were not all stopped');
}

/**
 * On Ctrl-C the servers are stopped before the process ends. Vitest's own listeners would end it a millisecond after the
 * signal; what they do for the terminal they also do on exit. The folder is left to the next run: test files that are
 * still running write to it.
 */
function onInterrupt(stop: () => Promise<void>): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const onSignal = (signal: NodeJS.Signals): void => {
    const end = (): never => process.exit(128 + constants.signals[signal]);
    stop().then(end, (error: unknown) => {
      console.error(error);
      end();
    });
  };
  for (const signal of signals) {
    process.removeAllListeners(signal);
    process.once(signal, onSignal);
  }
  return () => {
    for (const signal of signals) process.off(signal, onSignal);
  };
}

/** Removes a run's folder, and what its PostgreSQL servers had to keep elsewhere because root started them. */
async function removeRun(directory: string): Promise<void> {
  const homes = glob('**/location', { cwd: directory, exclude: (name) => name.endsWith('data') });
  for await (const location of homes) await removePostgresHome(dirname(join(directory, location)));
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
}

/** Folders of runs that were killed or interrupted; their servers have been stopped by them or by their watchdogs. */
async function removeDeadRuns(): Promise<void> {
  const names = await readdir(stateDirectory).catch(() => []);
  for (const name of names.filter((candidate) => /^test-\d+$/.test(candidate))) {
    const directory = join(stateDirectory, name);
    try {
      const release = ownFolder(directory);
      await removeRun(directory);
      release();
    } catch (error) {
      if (!(error instanceof FolderInUseError)) throw error;
    }
  }
}
