import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { FolderInUseError, ownFolder } from '../src/embedded/folder-owner.ts';
import type { EmbeddedNats } from '../src/embedded/nats-server.ts';
import { findNatsServer, startNatsServer } from '../src/embedded/nats-server.ts';
import type { EmbeddedPostgres } from '../src/embedded/postgres.ts';
import { startEmbeddedPostgres } from '../src/embedded/postgres.ts';
import { removePostgresHome } from '../src/embedded/postgres-home.ts';
import type { Logger } from '../src/log.ts';
import { createLogger } from '../src/log.ts';
import { Shard } from '../src/postgres/shard.ts';
import type { CpuGroup } from './cpu.ts';

/** The servers of one run of the benchmark, in a folder that goes away with it. */
export interface Stage {
  readonly directory: string;
  readonly log: Logger;
  readonly postgres: CpuGroup;
  /** What every contender's results depend on alike: versions, durability, processors. */
  readonly surroundings: Surroundings;
  /** A new database on the one PostgreSQL; with the product's tables when `migrated`. @returns its URL */
  createDatabase(name: string, migrated: boolean): Promise<string>;
  /** A nats-server of a contender's own; all are configured alike. */
  startNats(name: string): Promise<EmbeddedNats>;
  close(): Promise<void>;
}

export interface Surroundings {
  readonly postgres: string;
  readonly node: string;
  readonly processors: number;
  readonly memoryGigabytes: number;
  readonly durability: Readonly<Record<string, string>>;
}

const stateDirectory = fileURLToPath(new URL('../.caseload', import.meta.url));
const template = 'bench_template';
/** A crash must not lose what was answered; a contender that is fast because it may lose things is no contender. */
const durable: Readonly<Record<string, string>> = { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' };

/** Starts PostgreSQL and prepares the template of the product's databases. */
export async function openStage(settings: Readonly<Record<string, string>>): Promise<Stage> {
  await removeDeadStages();
  const directory = join(stateDirectory, `bench-${process.pid}`);
  const release = ownFolder(directory);
  const log = createLogger('bench', process.env.BENCH_LOG_LEVEL ?? 'warn');
  const servers: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const stop of servers.splice(0).reverse()) await stop();
    await removeStage(directory);
    release();
  };
  try {
    const natsServer = await findNatsServer({
      cacheDirectory: join(stateDirectory, 'cache'),
      environment: process.env,
      report: console.error,
    });
    const postgres = await startEmbeddedPostgres({ directory: join(directory, 'postgres'), port: 0, settings, log });
    servers.push(postgres.stop);
    await migrateTemplate(postgres, log);
    return {
      directory,
      log,
      postgres: { name: 'PostgreSQL', pids: [postgres.pid], tree: true },
      surroundings: await readSurroundings(postgres),
      createDatabase: (name, migrated) => createDatabase(postgres, name, migrated),
      async startNats(name) {
        const serverName = `bench-${name}-${randomBytes(3).toString('hex')}`;
        const nats = await startNatsServer({
          binary: natsServer,
          directory: join(directory, serverName),
          port: 0,
          serverName,
          log,
        });
        servers.push(nats.stop);
        return nats;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * Makes sure that sessions of a contender's database are as durable as all others: settings can hang on a database.
 * @throws Error naming the setting that differs
 */
export async function requireDurable(url: string): Promise<void> {
  const settings = await readDurability(url);
  for (const [name, wanted] of Object.entries(durable)) {
    if (settings[name] !== wanted) throw new Error(`${name} is ${settings[name]}, not ${wanted}`);
  }
}

/** Runs statements on a connection of its own. */
export async function withClient<Result>(url: string, work: (client: Client) => Promise<Result>): Promise<Result> {
  const client = new Client({ connectionString: url, application_name: 'bench' });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function readDurability(url: string): Promise<Record<string, string>> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<{ name: string; setting: string }>(
      'select name, setting from pg_settings where name = any ($1::text[])',
      [Object.keys(durable)],
    );
    return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
  });
}

async function readSurroundings(postgres: EmbeddedPostgres): Promise<Surroundings> {
  const url = postgres.url('postgres');
  await requireDurable(url);
  const version = await withClient(url, async (client) => {
    const { rows } = await client.query<{ server_version: string }>('show server_version');
    return rows[0]!.server_version;
  });
  return {
    postgres: version,
    node: process.versions.node,
    processors: cpus().length,
    memoryGigabytes: Math.round(totalmem() / 2 ** 30),
    durability: await readDurability(url),
  };
}

async function migrateTemplate(postgres: EmbeddedPostgres, log: Logger): Promise<void> {
  const url = await postgres.ensureDatabase(template);
  const shard = await Shard.open({ number: 0, url, connections: 2, log });
  try {
    await shard.migrate(() => undefined);
  } finally {
    await shard.close();
  }
}

async function createDatabase(postgres: EmbeddedPostgres, name: string, migrated: boolean): Promise<string> {
  await withClient(postgres.url('postgres'), async (client) => {
    await client.query(`drop database if exists ${client.escapeIdentifier(name)} with (force)`);
    await client.query(
      `create database ${client.escapeIdentifier(name)} template ${migrated ? template : 'template0'}`,
    );
  });
  return postgres.url(name);
}

async function removeStage(directory: string): Promise<void> {
  await removePostgresHome(join(directory, 'postgres'));
  await rm(directory, { recursive: true, force: true });
}

/** What runs that were killed have left; their servers were stopped by their watchdogs. */
async function removeDeadStages(): Promise<void> {
  await mkdir(stateDirectory, { recursive: true });
  const names = await readdir(stateDirectory);
  for (const name of names.filter((candidate) => /^bench-\d+$/.test(candidate))) {
    const directory = join(stateDirectory, name);
    try {
      const release = ownFolder(directory);
      await removeStage(directory);
      release();
    } catch (error) {
      if (!(error instanceof FolderInUseError)) throw error;
    }
  }
}
