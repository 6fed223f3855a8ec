import { mkdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { issueToken } from '../../src/auth/tokens.ts';
import { migrateAll } from '../../src/cli/migrate.ts';
import { QueueClient } from '../../src/client/queue-client.ts';
import { Transport } from '../../src/client/transport.ts';
import { shardOf } from '../../src/domain/ids.ts';
import { findFreePort } from '../../src/embedded/ports.ts';
import type { EmbeddedPostgres } from '../../src/embedded/postgres.ts';
import { startEmbeddedPostgres } from '../../src/embedded/postgres.ts';
import { removePostgresHome } from '../../src/embedded/postgres-home.ts';
import { connectNats } from '../../src/jetstream/connection.ts';
import { provision } from '../../src/jetstream/provision.ts';
import { ChildProgram } from '../../src/load/child-program.ts';
import { driverClock } from '../../src/load/history.ts';
import type { QueueHistory } from '../../src/load/queue/queue-history.ts';
import { renderQueueReport } from '../../src/load/queue/queue-report.ts';
import { runQueueLoad } from '../../src/load/queue/run-queue-load.ts';
import { createRandom } from '../../src/load/random.ts';
import { testSecret } from '../support/engine.ts';
import { announceSeed, isLongForm, limitTime } from '../support/long-form.ts';
import type { NatsCluster } from '../support/nats-cluster.ts';
import { startNatsCluster } from '../support/nats-cluster.ts';
import { uniqueDirectory } from '../support/servers.ts';
import { log } from '../support/system.ts';

limitTime();

/**
 * Two regions, every part of them a process of its own: two PostgreSQL servers, a gateway, a scheduler and a nats-server
 * each, and a third nats-server between them. Everything of a region is killed at one moment under load, and comes back;
 * between, routes are changed. The short form of this is region-outage.test.ts.
 */

const rounds = Number(process.env.FAULTS_ROUNDS ?? 6);
const namespace = 'acme';
const regions = ['east', 'west'] as const;
const settings = { shared_buffers: '32MB', max_wal_size: '256MB' };
const directories = Array.from({ length: 4 }, (_, n) => uniqueDirectory(`kills-postgres-${n}`));
let databases: EmbeddedPostgres[];
let databaseUrls: readonly string[];
let cluster: NatsCluster;
let programs: readonly { readonly region: number; readonly program: ChildProgram }[];
let urls: readonly string[];

async function describeProgram(kind: 'gateway' | 'scheduler', region: number, port: number): Promise<ChildProgram> {
  const directory = uniqueDirectory(`kills-${kind}`);
  mkdirSync(directory, { recursive: true });
  return new ChildProgram({
    kind,
    name: `${kind} ${regions[region]}`,
    directory,
    environment: {
      NODE_ENV: 'development',
      DATABASE_URLS: databaseUrls.join(','),
      SHARD_REGIONS: 'east,east,west,west',
      REGION: regions[region],
      NATS_URL: cluster.url,
      STREAM_REPLICAS: '3',
      AUTH_SECRET: testSecret,
      BLOB_URL: `fs:${directory}`,
      POOL_CONNECTIONS: '6',
      HOST: '127.0.0.1',
      PORT: String(port),
    },
  });
}

beforeAll(async () => {
  if (!isLongForm) return;
  [cluster, ...databases] = await Promise.all([
    startNatsCluster(),
    ...directories.map((directory) => startEmbeddedPostgres({ directory, port: 0, settings, log })),
  ]);
  databaseUrls = await Promise.all(databases.map((database) => database.ensureDatabase('caseload')));
  await migrateAll(databaseUrls, () => undefined);
  const link = await connectNats({ url: cluster.url, name: 'test', log });
  await provision(link, { replicas: 3 });
  await link.close();
  const ports = await Promise.all(regions.map(() => findFreePort()));
  urls = ports.map((port) => `http://127.0.0.1:${port}`);
  programs = await Promise.all(
    regions.flatMap((_, region) => [
      describeProgram('gateway', region, ports[region]!).then((program) => ({ region, program })),
      describeProgram('scheduler', region, 0).then((program) => ({ region, program })),
    ]),
  );
  await Promise.all(programs.map(({ program }) => program.start()));
}, 180_000);

afterAll(async () => {
  if (!isLongForm) return;
  await Promise.all(programs.map(({ program }) => program.kill()));
  await cluster.stop();
  for (const database of databases) await database.stop();
  for (const directory of directories) await removePostgresHome(directory);
}, 120_000);

/** Kills all that a region has, at once. */
async function killRegion(region: number): Promise<void> {
  const own = [databases[2 * region]!, databases[2 * region + 1]!];
  for (const { pid } of own) process.kill(pid, 'SIGKILL');
  await Promise.all([
    ...programs.filter((one) => one.region === region).map(({ program }) => program.kill()),
    cluster.servers[region]!.kill(),
    ...own.map((database) => database.stop()),
  ]);
}

async function bringBack(region: number): Promise<void> {
  const own = [2 * region, 2 * region + 1];
  await Promise.all([
    cluster.servers[region]!.start(),
    ...own.map(async (n) => {
      const { port } = databases[n]!;
      databases[n] = await startEmbeddedPostgres({ directory: directories[n]!, port, settings, log });
    }),
  ]);
  await Promise.all(programs.filter((one) => one.region === region).map(({ program }) => program.start()));
}

const routeText = 'mutation($input: SetRouteInput!) { setRoute(input: $input) { __typename } }';

/** Sends the new work of a region elsewhere, at the gateway of the other one. @returns after how many milliseconds it goes there */
async function reroute(region: number, order: readonly string[]): Promise<number> {
  const token = (subject: string, space: string, role: 'operator' | 'producer') =>
    issueToken({ subject, namespace: space, roles: [role], secret: testSecret, expiresInSeconds: 600 });
  const operator = new Transport({ url: urls[1 - region]!, token: await token('olga', '*', 'operator') });
  const producer = new QueueClient({
    url: urls[region]!,
    token: await token('prober', 'probe', 'producer'),
    namespace: 'probe',
  });
  await operator.send(routeText, { region: regions[region], order, reason: 'a test' });
  const changedMs = driverClock();
  const wanted = order[0] ?? regions[region];
  for (;;) {
    const [result] = await producer.enqueue([{ topic: 'probe', payload: '' }]);
    if (result?.status !== 'enqueued') throw new Error(result?.status);
    if (regions[shardOf(result.id) < 2 ? 0 : 1] === wanted) return driverClock() - changedMs;
    await delay(10);
  }
}

test.runIf(isLongForm)('a region and all that is in it may be killed at any moment', async () => {
  const seed = announceSeed('region kills');
  const random = createRandom(seed, 'region kills');
  const reroutedMs: number[] = [];
  const alongside = async (history: QueueHistory): Promise<void> => {
    for (let round = 0; round < rounds; round++) {
      await delay(2_000 + random() * 3_000);
      const region = random() < 0.5 ? 0 : 1;
      reroutedMs.push(await reroute(region, [regions[1 - region]!, regions[region]!]));
      reroutedMs.push(await reroute(region, []));
      const fromMs = driverClock();
      await killRegion(region);
      await delay(1_000 + random() * 5_000);
      await bringBack(region);
      history.disturbances.push({ what: 'postgres', fromMs, toMs: driverClock() });
    }
  };
  const result = await runQueueLoad(
    {
      namespace,
      items: 500,
      producers: 4,
      consumers: 4,
      batchMax: 10,
      topics: 3,
      leaseSeconds: 3,
      waitMs: 2_000,
      backlogMax: 300,
      habits: { fails: 0.05, lingers: 0.001, doubles: 0, dawdlers: 2 },
      seed,
      stallMs: 60_000,
      stuckRule: { freeMsMax: 5_000, recoveryMs: 5_000 },
    },
    { urls, databaseUrls, authSecret: testSecret },
    { alongside },
  );
  console.info(renderQueueReport(result, undefined));
  console.info(`${rounds} regions killed; routes moved after ${reroutedMs.map((ms) => Math.round(ms)).join(', ')} ms`);
  expect(result.gaveUp).toBeUndefined();
  expect(result.findings.violations).toEqual([]);
  for (const milliseconds of reroutedMs) expect(milliseconds).toBeLessThan(1_000);
  for (const { events } of result.ledger) expect(events.length).toBeGreaterThan(0);
});
