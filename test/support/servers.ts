import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Client, escapeIdentifier } from 'pg';
import { inject } from 'vitest';
import type { EmbeddedNats } from '../../src/embedded/nats-server.ts';
import { startNatsServer } from '../../src/embedded/nats-server.ts';
import { createLogger } from '../../src/log.ts';

declare module 'vitest' {
  // What start-servers.ts provides to every test file.
  interface ProvidedContext {
    /** The folder of this test run; whatever lies in it is removed at the end. */
    readonly runDirectory: string;
    /** The database `postgres` of the run's server, as its superuser. */
    readonly postgresUrl: string;
    /** A database with the tables and functions of this version, and nothing in them. Nobody is connected to it. */
    readonly migratedDatabase: string;
    readonly natsUrl: string;
    /** The program nats-server. */
    readonly natsServer: string;
  }
}

/** A database of a test's own. */
export interface TestDatabase {
  readonly name: string;
  readonly url: string;
  /** Drops it, ending connections that are still open. */
  drop(): Promise<void>;
}

export interface CreateDatabaseOptions {
  /** Copies this database, which nobody may be connected to meanwhile. Without it the new one is empty. */
  readonly template?: string | undefined;
  /** The new database's name; one that is not used yet, by default. */
  readonly name?: string | undefined;
}

/** Makes a fresh database on the run's PostgreSQL (tens of milliseconds). */
export async function createDatabase(options: CreateDatabaseOptions = {}): Promise<TestDatabase> {
  const name = options.name ?? `test_${randomBytes(6).toString('hex')}`;
  const template = options.template === undefined ? 'template0' : options.template;
  await administer(`create database ${escapeIdentifier(name)} template ${escapeIdentifier(template)}`);
  const url = new URL(inject('postgresUrl'));
  url.pathname = `/${name}`;
  return {
    name,
    url: url.href,
    drop: () => administer(`drop database if exists ${escapeIdentifier(name)} with (force)`),
  };
}

/** Makes a fresh database with the tables and functions of this version. */
export function createMigratedDatabase(): Promise<TestDatabase> {
  return createDatabase({ template: inject('migratedDatabase') });
}

/** The run's nats-server, which all test files share: for core NATS, and for streams with names of their own. */
export function natsUrl(): string {
  return inject('natsUrl');
}

/**
 * Starts a nats-server for one test file (about 50 ms): stream names are one account's, so tests of the product's own
 * streams need a server of their own. Whoever starts it stops it; it ends with the test process in any case.
 */
export async function startTestNats(options: { readonly syncInterval?: string } = {}): Promise<EmbeddedNats> {
  const serverName = `nats-${randomBytes(6).toString('hex')}`;
  return startNatsServer({
    binary: inject('natsServer'),
    directory: join(inject('runDirectory'), serverName),
    port: 0,
    serverName,
    log: createLogger('test', process.env.TEST_LOG_LEVEL ?? 'warn'),
    syncInterval: options.syncInterval,
  });
}

/** A folder in the run's folder that no other test uses. It does not exist yet. */
export function uniqueDirectory(prefix: string): string {
  return join(inject('runDirectory'), `${prefix}-${randomBytes(6).toString('hex')}`);
}

async function administer(statement: string): Promise<void> {
  const client = new Client({ connectionString: inject('postgresUrl') });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
