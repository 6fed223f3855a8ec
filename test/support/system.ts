import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { inject } from 'vitest';
import { migrateAll } from '../../src/cli/migrate.ts';
import type { Foundation } from '../../src/compose.ts';
import { compose } from '../../src/compose.ts';
import { readConfig } from '../../src/config.ts';
import type { EmbeddedNats } from '../../src/embedded/nats-server.ts';
import { startNatsServer } from '../../src/embedded/nats-server.ts';
import { findFreePort } from '../../src/embedded/ports.ts';
import { createGatewayService } from '../../src/gateway.ts';
import type { NatsLink } from '../../src/jetstream/connection.ts';
import { connectNats } from '../../src/jetstream/connection.ts';
import { provision } from '../../src/jetstream/provision.ts';
import type { ConsumerLoad } from '../../src/jetstream/tickets.ts';
import { Tickets } from '../../src/jetstream/tickets.ts';
import type { Service } from '../../src/lifecycle.ts';
import { startServices } from '../../src/lifecycle.ts';
import type { ProgramKind } from '../../src/load/child-program.ts';
import { ChildProgram } from '../../src/load/child-program.ts';
import type { Target } from '../../src/load/run-load.ts';
import type { Logger } from '../../src/log.ts';
import { createLogger } from '../../src/log.ts';
import type { ShardBacklog } from '../../src/metrics.ts';
import { Shard } from '../../src/postgres/shard.ts';
import { measureBacklog } from '../../src/scheduler/measure-backlog.ts';
import { createSchedulerServices } from '../../src/scheduler.ts';
import { createWorkerServices } from '../../src/worker.ts';
import type { TestDatabase } from './servers.ts';
import { createMigratedDatabase, uniqueDirectory } from './servers.ts';
import { waitUntil } from './wait-until.ts';

export const log: Logger = createLogger('test', process.env.TEST_LOG_LEVEL ?? 'silent');

/** A program of the product inside the test's own process: quick to start, and stopped in order. */
export interface RunningProgram {
  /** Where it listens; empty for a scheduler. */
  readonly url: string;
  readonly foundation: Foundation;
  stop(): Promise<void>;
}

/** A program as a process of its own, to be killed or frozen. */
export interface SpawnedProgram {
  readonly program: ChildProgram;
  readonly url: string;
}

type Environment = Readonly<Record<string, string>>;

/**
 * A whole system for one test file: a database and a nats-server of its own, and as many programs as a test starts.
 * What was started is stopped with it.
 */
export class TestSystem {
  readonly databaseUrl: string;
  readonly authSecret = randomBytes(32).toString('hex');
  readonly #directory: string;
  readonly #dropDatabase: () => Promise<void>;
  readonly #stops: (() => Promise<void>)[] = [];
  #nats: EmbeddedNats;
  #link: NatsLink | undefined;
  #tickets: Tickets | undefined;

  private constructor(directory: string, databaseUrl: string, dropDatabase: () => Promise<void>, nats: EmbeddedNats) {
    this.#directory = directory;
    this.databaseUrl = databaseUrl;
    this.#dropDatabase = dropDatabase;
    this.#nats = nats;
  }

  /** @param databaseUrl a database that the test keeps itself; one of the run's server without it */
  static async start(databaseUrl?: string): Promise<TestSystem> {
    const directory = uniqueDirectory('system');
    mkdirSync(directory, { recursive: true });
    const [database, nats] = await Promise.all([
      databaseUrl === undefined ? createMigratedDatabase() : migrateKept(databaseUrl),
      openNats(directory, 0),
    ]);
    const system = new TestSystem(directory, database.url, database.drop, nats);
    await provision(await system.link());
    return system;
  }

  get natsUrl(): string {
    return this.#nats.url;
  }

  get environment(): Environment {
    return {
      NODE_ENV: 'development',
      DATABASE_URLS: this.databaseUrl,
      NATS_URL: this.#nats.url,
      AUTH_SECRET: this.authSecret,
      BLOB_URL: `fs:${join(this.#directory, 'documents')}`,
      HOST: '127.0.0.1',
      POOL_CONNECTIONS: '8',
      LOG_LEVEL: 'info',
    };
  }

  target(...programs: readonly { readonly url: string }[]): Target {
    return {
      urls: programs.map((program) => program.url),
      databaseUrls: [this.databaseUrl],
      authSecret: this.authSecret,
    };
  }

  /** The test's own connection to NATS. */
  async link(): Promise<NatsLink> {
    this.#link ??= await connectNats({ url: this.#nats.url, name: 'test', log });
    return this.#link;
  }

  /** Starts a gateway in this process, on a free port. */
  async runGateway(environment: Environment = {}): Promise<RunningProgram> {
    let port = 0;
    const running = await this.#run('gateway', { PORT: '0', ...environment }, (foundation) => [
      createGatewayService(foundation, (listening) => {
        port = listening;
      }),
    ]);
    return { ...running, url: `http://127.0.0.1:${port}` };
  }

  /** Starts a scheduler in this process. */
  runScheduler(environment: Environment = {}): Promise<RunningProgram> {
    return this.#run('scheduler', environment, createSchedulerServices);
  }

  /** Starts a worker in this process. */
  runWorker(environment: Environment = {}): Promise<RunningProgram> {
    return this.#run('worker', environment, createWorkerServices);
  }

  /** Starts a program as a process of its own. @param extra environment of the first start alone */
  async spawn(
    kind: ProgramKind,
    name: string,
    extra: Environment = {},
    environment: Environment = {},
  ): Promise<SpawnedProgram> {
    const port = kind === 'gateway' ? await findFreePort() : 0;
    const program = new ChildProgram({
      kind,
      name,
      environment: { ...this.environment, PORT: String(port), ...environment },
      directory: this.#directory,
    });
    this.#stops.push(() => program.kill());
    await program.start(extra);
    return { program, url: `http://127.0.0.1:${port}` };
  }

  /** What NATS says of the topic `cases` of a namespace; undefined while it has no consumer. */
  async readLoad(namespace: string): Promise<ConsumerLoad | undefined> {
    this.#tickets ??= new Tickets(await this.link(), log);
    return this.#tickets.readLoad({ system: 'cases', namespace, topic: 'cases' });
  }

  /** Resolves when so many pulls wait for a ticket. */
  async waitForPulls(namespace: string, pulls: number): Promise<void> {
    await waitUntil(`${pulls} pulls wait`, async () => ((await this.readLoad(namespace))?.pulls ?? 0) >= pulls);
  }

  /** What the scheduler would count now. */
  async measure(): Promise<ShardBacklog> {
    const shard = await Shard.open({ number: 0, url: this.databaseUrl, connections: 1, log });
    try {
      return await measureBacklog(shard);
    } finally {
      await shard.close();
    }
  }

  async stopNats(): Promise<void> {
    await this.#nats.stop();
  }

  /** Starts nats-server again on its port. @param wipe without the streams that it had @param storeBytesMax all its room */
  async startNats({ wipe, storeBytesMax }: { readonly wipe: boolean; readonly storeBytesMax?: number }): Promise<void> {
    if (wipe) await rm(join(this.#directory, 'nats', 'store'), { recursive: true, force: true });
    this.#nats = await openNats(this.#directory, this.#nats.port, storeBytesMax);
  }

  async close(): Promise<void> {
    for (const stop of this.#stops.reverse()) await stop();
    this.#tickets?.close();
    await this.#link?.close();
    await this.#nats.stop();
    await this.#dropDatabase();
  }

  async #run(
    name: string,
    environment: Environment,
    createServices: (foundation: Foundation) => readonly Service[],
  ): Promise<RunningProgram> {
    const foundation = await compose(readConfig({ ...this.environment, ...environment }), log, name);
    const stopServices = await startServices(createServices(foundation), log);
    let stopping: Promise<void> | undefined;
    const stop = (): Promise<void> => {
      stopping ??= stopServices().then(() => foundation.close());
      return stopping;
    };
    this.#stops.push(stop);
    return { url: '', foundation, stop };
  }
}

async function migrateKept(url: string): Promise<Pick<TestDatabase, 'url' | 'drop'>> {
  await migrateAll([url], () => undefined);
  return { url, drop: async () => undefined };
}

function openNats(directory: string, port: number, storeBytesMax?: number): Promise<EmbeddedNats> {
  return startNatsServer({
    binary: inject('natsServer'),
    directory: join(directory, 'nats'),
    port,
    serverName: 'caseload-faults',
    log,
    storeBytesMax,
  });
}
