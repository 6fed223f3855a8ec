import { mkdirSync } from 'node:fs';
import type { Foundation } from '../../src/compose.ts';
import { compose } from '../../src/compose.ts';
import { readConfig } from '../../src/config.ts';
import type { Actor, Role } from '../../src/domain/actor.ts';
import type { EmbeddedNats } from '../../src/embedded/nats-server.ts';
import { provision } from '../../src/jetstream/provision.ts';
import type { Service } from '../../src/lifecycle.ts';
import { startServices } from '../../src/lifecycle.ts';
import { createLogger } from '../../src/log.ts';
import { createSchedulerServices } from '../../src/scheduler.ts';
import type { TestDatabase } from './servers.ts';
import { createMigratedDatabase, startTestNats, uniqueDirectory } from './servers.ts';
import { TcpProxy } from './tcp-proxy.ts';

export const testSecret = 'a secret of the tests with more than 32 characters';

/** A whole engine on databases and a nats-server of its own. */
export interface TestEngine {
  /** One a shard. */
  readonly databases: readonly TestDatabase[];
  /** Before each database, where it was asked for. */
  readonly proxies: readonly TcpProxy[];
  readonly database: TestDatabase;
  readonly nats: EmbeddedNats;
  readonly foundation: Foundation;
  /** Another process's worth of everything, on the same servers. */
  another(): Promise<Foundation>;
  startScheduler(): Promise<() => Promise<void>>;
  stop(): Promise<void>;
}

export async function startEngine(
  environment: Readonly<Record<string, string>> = {},
  { shards = 1, proxied = false }: { readonly shards?: number; readonly proxied?: boolean } = {},
): Promise<TestEngine> {
  const [nats, ...databases] = await Promise.all([
    startTestNats(),
    ...Array.from({ length: shards }, createMigratedDatabase),
  ]);
  const proxies = proxied
    ? await Promise.all(databases.map(({ url }) => TcpProxy.start(Number(new URL(url).port))))
    : [];
  const urls = databases.map(({ url }, index) => {
    const through = new URL(url);
    if (proxies[index] !== undefined) through.port = String(proxies[index].port);
    return through.href;
  });
  const blobs = uniqueDirectory('blobs');
  mkdirSync(blobs, { recursive: true });
  const log = createLogger('test', process.env.TEST_LOG_LEVEL ?? 'fatal');
  const config = readConfig({
    DATABASE_URLS: urls.join(','),
    NATS_URL: nats.url,
    AUTH_SECRET: testSecret,
    BLOB_URL: `fs:${blobs}`,
    PORT: '0',
    ...environment,
  });
  const opened: Foundation[] = [];
  const stops: (() => Promise<void>)[] = [];
  const open = async (): Promise<Foundation> => {
    const foundation = await compose(config, log, 'test');
    opened.push(foundation);
    return foundation;
  };
  const foundation = await open();
  await provision(foundation.link);
  return {
    proxies,
    databases,
    database: databases[0]!,
    nats,
    foundation,
    another: open,
    async startScheduler() {
      const services: readonly Service[] = createSchedulerServices(await open());
      const stop = await startServices(services, log);
      stops.push(stop);
      return stop;
    },
    async stop() {
      for (const stop of stops) await stop();
      for (const one of opened) await one.close();
      for (const proxy of proxies) await proxy.close();
      await nats.stop();
      for (const database of databases) await database.drop();
    },
  };
}

export function actor(subject: string, ...roles: Role[]): Actor {
  return { subject, namespace: 'acme', roles: new Set(roles), expiresAtSeconds: undefined };
}

export const alice = actor('alice', 'applicant');
export const bob = actor('bob', 'auditor');
export const carol = actor('carol', 'auditor');
export const never = new AbortController().signal;

export const application = {
  namespace: 'acme',
  topic: 'cases',
  applicant: { name: 'A. O. Smith', email: 'office@example.com' },
  priority: 0,
} as const;
