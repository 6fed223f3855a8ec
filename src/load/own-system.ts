import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { migrateAll } from '../cli/migrate.ts';
import type { EmbeddedNats } from '../embedded/nats-server.ts';
import { findNatsServer, startNatsServer } from '../embedded/nats-server.ts';
import { findFreePort } from '../embedded/ports.ts';
import type { EmbeddedPostgres } from '../embedded/postgres.ts';
import { startEmbeddedPostgres } from '../embedded/postgres.ts';
import { removePostgresHome } from '../embedded/postgres-home.ts';
import { signalProcess } from '../embedded/processes.ts';
import { connectNats } from '../jetstream/connection.ts';
import { provision } from '../jetstream/provision.ts';
import type { Logger } from '../log.ts';
import { createLogger } from '../log.ts';
import { ChildProgram } from './child-program.ts';

export interface OwnSystemOptions {
  /** For this system alone; what is in it is removed at the end. */
  readonly directory: string;
  /** Keeps a fetched nats-server for the next time. */
  readonly cacheDirectory: string;
  readonly gateways: number;
  readonly schedulers: number;
  readonly workers?: number;
  /** Databases of the record, each on a PostgreSQL of its own; 1 without it. */
  readonly shards?: number;
  /** Of every program, beside what the system needs. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly report: (line: string) => void;
}

/** Less than by default: there may be several, beside the programs, on a small machine. */
const settings = { shared_buffers: '128MB', max_wal_size: '1GB' };

/**
 * A whole system for one run, every part a process of its own: PostgreSQL, nats-server, gateways, schedulers. All of it
 * listens on the loopback interface, on ports that were free.
 */
export class OwnSystem {
  readonly urls: readonly string[];
  readonly programs: readonly ChildProgram[];
  readonly databaseUrls: readonly string[];
  readonly authSecret: string;
  readonly #options: OwnSystemOptions;
  readonly #natsBinary: string;
  readonly #log: Logger;
  readonly #databases: EmbeddedPostgres[];
  #nats: EmbeddedNats;

  private constructor(parts: Parts) {
    this.#options = parts.options;
    this.#natsBinary = parts.natsBinary;
    this.#log = parts.log;
    this.#databases = parts.databases;
    this.#nats = parts.nats;
    this.databaseUrls = parts.databaseUrls;
    this.authSecret = parts.authSecret;
    this.programs = parts.programs;
    this.urls = parts.urls;
  }

  /** Starts everything and waits until it is at work. What was started is stopped again when a part fails. */
  static async start(options: OwnSystemOptions): Promise<OwnSystem> {
    const log = createLogger('load', 'warn');
    await mkdir(options.directory, { recursive: true });
    const natsBinary = await findNatsServer({
      cacheDirectory: options.cacheDirectory,
      environment: process.env,
      report: options.report,
    });
    options.report('starting PostgreSQL and nats-server');
    const databases: EmbeddedPostgres[] = [];
    let nats: EmbeddedNats | undefined;
    let system: OwnSystem | undefined;
    try {
      const shards = Array.from({ length: options.shards ?? 1 }, (_, shard) => shard);
      const [natsEnd, ...databaseEnds] = await Promise.allSettled([
        openNats(options.directory, natsBinary, 0, log),
        ...shards.map((shard) => openPostgres(options.directory, shard, 0, log)),
      ]);
      // What came up is known before anything is thrown, so that it is stopped.
      if (natsEnd.status === 'fulfilled') nats = natsEnd.value;
      databases.push(...databaseEnds.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : [])));
      const failed = [natsEnd, ...databaseEnds].find((end) => end.status === 'rejected');
      if (failed !== undefined || nats === undefined) throw failed?.reason;
      const databaseUrls = await Promise.all(databases.map((database) => database.ensureDatabase('caseload')));
      await migrateAll(databaseUrls, () => undefined);
      await provisionAt(nats.url, log);
      const authSecret = randomBytes(32).toString('hex');
      const environment = {
        NODE_ENV: 'development',
        DATABASE_URLS: databaseUrls.join(','),
        NATS_URL: nats.url,
        AUTH_SECRET: authSecret,
        BLOB_URL: `fs:${join(options.directory, 'documents')}`,
        ...options.environment,
      };
      const { programs, urls } = await describePrograms(options, environment);
      system = new OwnSystem({ options, natsBinary, log, databases, nats, databaseUrls, authSecret, programs, urls });
      options.report(`starting ${programs.map((program) => program.name).join(', ')}`);
      await Promise.all(programs.map((program) => program.start()));
      return system;
    } catch (error) {
      await Promise.all((system?.programs ?? []).map((program) => program.kill()));
      await nats?.stop();
      for (const database of databases) await database.stop();
      throw error;
    }
  }

  /** Kills nats-server and starts it again on the same port. @param wipe its streams are thrown away meanwhile */
  async killNats({ wipe }: { readonly wipe: boolean }): Promise<void> {
    const { port } = this.#nats;
    signalProcess(this.#nats.pid, 'SIGKILL');
    await this.#nats.stop();
    if (wipe) await rm(join(this.#options.directory, 'nats', 'store'), { recursive: true, force: true });
    this.#nats = await openNats(this.#options.directory, this.#natsBinary, port, this.#log);
  }

  /** Kills the PostgreSQL of a shard, every process of it that works for a client included, and starts it again on the same data. */
  async killPostgres(shard = 0): Promise<void> {
    const { pid, port, stop } = this.#databases[shard]!;
    signalProcess(pid, 'SIGKILL');
    await stop();
    this.#databases[shard] = await openPostgres(this.#options.directory, shard, port, this.#log);
  }

  /** Stops everything, in reverse. @param keepFiles leaves logs and data for a look at them */
  async close(keepFiles: boolean): Promise<void> {
    await Promise.all(this.programs.map((program) => program.stop()));
    await this.#nats.stop();
    for (const database of this.#databases) await database.stop();
    if (keepFiles) return;
    for (const shard of this.#databases.keys())
      await removePostgresHome(postgresFolder(this.#options.directory, shard));
    await rm(this.#options.directory, { recursive: true, force: true });
  }
}

interface Parts {
  readonly options: OwnSystemOptions;
  readonly natsBinary: string;
  readonly log: Logger;
  readonly databases: EmbeddedPostgres[];
  readonly nats: EmbeddedNats;
  readonly databaseUrls: readonly string[];
  readonly authSecret: string;
  readonly programs: readonly ChildProgram[];
  readonly urls: readonly string[];
}

function postgresFolder(directory: string, shard: number): string {
  return join(directory, `postgres-${shard}`);
}

function openPostgres(directory: string, shard: number, port: number, log: Logger): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({ directory: postgresFolder(directory, shard), port, settings, log });
}

function openNats(directory: string, binary: string, port: number, log: Logger): Promise<EmbeddedNats> {
  return startNatsServer({ binary, directory: join(directory, 'nats'), port, serverName: 'caseload-load', log });
}

async function provisionAt(natsUrl: string, log: Logger): Promise<void> {
  const link = await connectNats({ url: natsUrl, name: 'caseload load', log });
  try {
    await provision(link);
  } finally {
    await link.close();
  }
}

/** Each gateway keeps its port over restarts, as behind a service's address. */
async function describePrograms(
  { directory, gateways, schedulers, workers = 0 }: OwnSystemOptions,
  environment: Readonly<Record<string, string>>,
): Promise<{ programs: ChildProgram[]; urls: string[] }> {
  const programs: ChildProgram[] = [];
  const urls: string[] = [];
  for (let number = 1; number <= gateways; number++) {
    const port = await findFreePort();
    urls.push(`http://127.0.0.1:${port}`);
    programs.push(
      new ChildProgram({
        kind: 'gateway',
        name: `gateway ${number}`,
        environment: { ...environment, HOST: '127.0.0.1', PORT: String(port) },
        directory,
      }),
    );
  }
  for (let number = 1; number <= schedulers; number++) {
    programs.push(new ChildProgram({ kind: 'scheduler', name: `scheduler ${number}`, environment, directory }));
  }
  for (let number = 1; number <= workers; number++) {
    programs.push(new ChildProgram({ kind: 'worker', name: `worker ${number}`, environment, directory }));
  }
  return { programs, urls };
}
