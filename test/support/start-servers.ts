import { readdir, rm } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { FolderInUseError, ownFolder } from '../../src/embedded/folder-owner.ts';
import { findNatsServer, startNatsServer } from '../../src/embedded/nats-server.ts';
import { startEmbeddedPostgres } from '../../src/embedded/postgres.ts';
import { removePostgresHome } from '../../src/embedded/postgres-home.ts';
import { createLogger } from '../../src/log.ts';
import type {} from './servers.ts';

const stateDirectory = fileURLToPath(new URL('../../.caseload', import.meta.url));

interface Cleanup {
  readonly what: string;
  readonly run: () => Promise<void> | void;
}

/**
 * Starts one PostgreSQL and one nats-server for the whole test run, in a folder of the run.
 * @returns what stops them and removes the folder; it is also done when the start fails half way.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const cleanups: Cleanup[] = [];
  const stopListening = onInterrupt(() => runInReverse(cleanups));
  const tearDown = async (): Promise<void> => {
    stopListening();
    await runInReverse(cleanups);
  };
  try {
    await removeDeadRuns();
    const directory = join(stateDirectory, `test-${process.pid}`);
    const release = ownFolder(directory);
    cleanups.push({ what: 'the folder of the run', run: () => removeRun(directory, release) });
    const log = createLogger('test', process.env.TEST_LOG_LEVEL ?? 'warn');
    const natsServer = await findNatsServer({
      cacheDirectory: join(stateDirectory, 'cache'),
      environment: process.env,
      report: console.error,
    });
    const postgres = await startEmbeddedPostgres({ directory: join(directory, 'postgres'), port: 0, log });
    cleanups.push({ what: 'PostgreSQL', run: postgres.stop });
    const nats = await startNatsServer({
      binary: natsServer,
      directory: join(directory, 'nats'),
      port: 0,
      serverName: 'caseload-test',
      log,
    });
    cleanups.push({ what: 'nats-server', run: nats.stop });
    project.provide('runDirectory', directory);
    project.provide('postgresUrl', postgres.url('postgres'));
    project.provide('natsUrl', nats.url);
    project.provide('natsServer', natsServer);
    return tearDown;
  } catch (error) {
    await tearDown();
    throw error;
  }
}

/**
 * On Ctrl-C the servers are stopped before the process ends. Vitest's own listeners would end it a millisecond after the
 * signal; what they do for the terminal they also do on exit.
 */
function onInterrupt(cleanUp: () => Promise<void>): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const onSignal = (signal: NodeJS.Signals): void => {
    const end = (): never => process.exit(128 + constants.signals[signal]);
    cleanUp().then(end, (error: unknown) => {
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

async function runInReverse(cleanups: Cleanup[]): Promise<void> {
  const errors: unknown[] = [];
  for (const { what, run } of cleanups.splice(0).reverse()) {
    try {
      await run();
    } catch (error) {
      errors.push(new Error(`${what} could not be cleaned up`, { cause: error }));
    }
  }
  if (errors.length > 0) throw new AggregateError(errors, 'The test servers were not all cleaned up');
}

async function removeRun(directory: string, release: () => void): Promise<void> {
  await removePostgresHome(join(directory, 'postgres'));
  await rm(directory, { recursive: true, force: true });
  release();
}

/** Folders of runs that were killed; their servers were stopped by their watchdogs. */
async function removeDeadRuns(): Promise<void> {
  const names = await readdir(stateDirectory).catch(() => []);
  for (const name of names.filter((candidate) => /^test-\d+$/.test(candidate))) {
    const directory = join(stateDirectory, name);
    try {
      await removeRun(directory, ownFolder(directory));
    } catch (error) {
      if (!(error instanceof FolderInUseError)) throw error;
    }
  }
}
