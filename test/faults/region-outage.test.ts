import { mkdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { migrateAll } from '../../src/cli/migrate.ts';
import type { Foundation } from '../../src/compose.ts';
import { compose } from '../../src/compose.ts';
import { readConfig } from '../../src/config.ts';
import type { Actor } from '../../src/domain/actor.ts';
import { Fault } from '../../src/domain/errors.ts';
import { shardOf } from '../../src/domain/ids.ts';
import type { EmbeddedPostgres } from '../../src/embedded/postgres.ts';
import { startEmbeddedPostgres } from '../../src/embedded/postgres.ts';
import { removePostgresHome } from '../../src/embedded/postgres-home.ts';
import { provision } from '../../src/jetstream/provision.ts';
import { startServices } from '../../src/lifecycle.ts';
import { createRandom } from '../../src/load/random.ts';
import { createSchedulerServices } from '../../src/scheduler.ts';
import { actor, application, testSecret } from '../support/engine.ts';
import { announceSeed, isLongForm, limitTime, size } from '../support/long-form.ts';
import type { NatsCluster } from '../support/nats-cluster.ts';
import { startNatsCluster } from '../support/nats-cluster.ts';
import { uniqueDirectory } from '../support/servers.ts';
import { log } from '../support/system.ts';

limitTime();

/**
 * Two regions of two PostgreSQL servers each, and a NATS cluster of three. One region's databases and one NATS server
 * are killed under load, and come back. Nothing that was acknowledged is lost, nobody holds what another holds, and the
 * other region goes on meanwhile.
 */

const seed = announceSeed('region outage');
const random = createRandom(seed, 'producers');
const regions = ['east', 'west'] as const;
type Region = (typeof regions)[number];
const directories = Array.from({ length: 4 }, (_, n) => uniqueDirectory(`region-postgres-${n}`));
const settings = { shared_buffers: '32MB', max_wal_size: '256MB' };
const leaseSeconds = 3;
const never = new AbortController().signal;
let databases: EmbeddedPostgres[];
let cluster: NatsCluster;
const gateways = {} as Record<Region, Foundation>;
const stops: (() => Promise<void>)[] = [];

async function startProgram(region: Region, urls: readonly string[], blobs: string): Promise<Foundation> {
  const foundation = await compose(
    readConfig({
      DATABASE_URLS: urls.join(','),
      SHARD_REGIONS: 'east,east,west,west',
      REGION: region,
      NATS_URL: cluster.url,
      STREAM_REPLICAS: '3',
      AUTH_SECRET: testSecret,
      BLOB_URL: `fs:${blobs}`,
      POOL_CONNECTIONS: '6',
      PORT: '0',
    }),
    log,
    'test',
  );
  stops.push(() => foundation.close());
  return foundation;
}

beforeAll(async () => {
  [cluster, ...databases] = await Promise.all([
    startNatsCluster(),
    ...directories.map((directory) => startEmbeddedPostgres({ directory, port: 0, settings, log })),
  ]);
  const urls = await Promise.all(databases.map((database) => database.ensureDatabase('caseload')));
  await migrateAll(urls, () => undefined);
  const blobs = uniqueDirectory('region-blobs');
  mkdirSync(blobs, { recursive: true });
  for (const region of regions) gateways[region] = await startProgram(region, urls, blobs);
  await provision(gateways.east.link, { replicas: 3 });
  for (const region of regions) {
    const stop = await startServices(createSchedulerServices(await startProgram(region, urls, blobs)), log);
    stops.push(stop);
  }
  await gateways.west.services.upsertTopic(actor('olga', 'supervisor'), { namespace: 'acme', name: 'jobs', shards: 2 });
}, 120_000);

afterAll(async () => {
  for (const stop of stops.reverse()) await stop();
  await cluster.stop();
  for (const database of databases) await database.stop();
  for (const directory of directories) await removePostgresHome(directory);
}, 120_000);

/** What was acknowledged, and what became of it. */
class Book {
  readonly cases = new Set<string>();
  readonly decided = new Set<string>();
  readonly items = new Set<string>();
  readonly acked = new Set<string>();
  readonly takenOver = { cases: 0, items: 0 };
  /** Until when somebody holds something, by this test's clock: no later than the lease itself. */
  readonly #held = new Map<string, { readonly by: string; readonly untilMs: number }>();
  readonly overlaps: string[] = [];

  take(id: string, by: string, askedAtMs: number): void {
    const other = this.#held.get(id);
    // A lease begins after it was asked for, so it lasts at least this long.
    const untilMs = askedAtMs + leaseSeconds * 1_000;
    if (other !== undefined && other.untilMs > performance.now()) this.overlaps.push(`${id}: ${other.by} and ${by}`);
    this.#held.set(id, { by, untilMs });
  }

  end(id: string): void {
    this.#held.delete(id);
  }
}

/** Does something again and again until it is told to stop; an outage is no error. */
async function loop(over: () => boolean, step: () => Promise<void>): Promise<void> {
  while (!over()) {
    try {
      await step();
    } catch (error) {
      if (!(error instanceof Fault) || error.retryAfterMs === undefined) throw error;
      await delay(50);
    }
  }
}

function produce(book: Book, region: Region, n: number, over: () => boolean): Promise<void> {
  const { services } = gateways[region];
  const applicant = actor(`applicant-${region}-${n}`, 'applicant');
  const producer = actor(`producer-${region}-${n}`, 'producer');
  return loop(over, async () => {
    const wanted = random() < 0.3 ? 'east' : null;
    const result = await services.register(applicant, { ...application, topic: 'cases', region: wanted });
    if (result.kind !== 'registered') throw new Error(result.kind);
    const { id } = result.held.case;
    book.cases.add(id);
    if (services.wasTakenOver(id, wanted)) book.takenOver.cases += 1;
    const items = Array.from({ length: 3 }, () => ({ topic: 'jobs', payload: Buffer.from('x'), leaseSeconds }));
    const queued = await services.enqueue(producer, { namespace: 'acme', items, region: wanted });
    if (queued.kind !== 'enqueued') throw new Error(queued.kind);
    for (const one of queued.results) {
      if (one.kind !== 'enqueued') continue;
      book.items.add(one.item.id);
      if (services.wasTakenOver(one.item.id, wanted)) book.takenOver.items += 1;
    }
    await delay(10);
  });
}

function decide(book: Book, region: Region, n: number, over: () => boolean): Promise<void> {
  const { services } = gateways[region];
  const auditor: Actor = actor(`auditor-${region}-${n}`, 'auditor');
  return loop(over, async () => {
    const askedAt = performance.now();
    const ask = { namespace: 'acme', topics: ['cases'], waitMs: 500, leaseSeconds };
    const claimed = await services.claimNextCase(auditor, ask, never);
    const held = claimed.kind === 'claimed' ? [claimed.held] : claimed.kind === 'limit' ? claimed.held : [];
    for (const { case: record, lease } of held) {
      if (claimed.kind === 'claimed') book.take(record.id, auditor.subject, askedAt);
      const result = await services.decide(auditor, {
        caseId: record.id,
        leaseToken: lease!.token,
        verdict: 'APPROVE',
      });
      if (result.kind === 'decided') {
        book.decided.add(record.id);
        book.end(record.id);
      }
    }
  });
}

function consume(book: Book, region: Region, n: number, over: () => boolean): Promise<void> {
  const { services } = gateways[region];
  const consumer = actor(`consumer-${region}-${n}`, 'consumer');
  return loop(over, async () => {
    const askedAt = performance.now();
    const requests = [{ topic: 'jobs', count: 10 }];
    const { items } = await services.dequeue(consumer, { namespace: 'acme', requests, waitMs: 500 }, never);
    for (const { item } of items) book.take(item.id, consumer.subject, askedAt);
    const leases = items.map(({ item, lease }) => ({ itemId: item.id, leaseToken: lease.token }));
    if (leases.length === 0) return;
    const answers = await services.ack(consumer, { namespace: 'acme', leases });
    for (const [index, acked] of answers.entries()) {
      if (!acked) continue;
      book.acked.add(leases[index]!.itemId);
      book.end(leases[index]!.itemId);
    }
  });
}

async function kill(): Promise<void> {
  for (const database of databases.slice(0, 2)) process.kill(database.pid, 'SIGKILL');
  await Promise.all([...databases.slice(0, 2).map(({ exited }) => exited), cluster.servers[0]!.kill()]);
}

async function bringBack(): Promise<void> {
  const again = await Promise.all(
    databases.slice(0, 2).map(async (database, n) => {
      await database.stop();
      return startEmbeddedPostgres({ directory: directories[n]!, port: database.port, settings, log });
    }),
  );
  databases.splice(0, 2, ...again);
  await cluster.servers[0]!.start();
}

/** What was acknowledged and is not finished: an end whose answer was lost stands in the record. */
async function findUnfinished(book: Book): Promise<string[]> {
  const { services } = gateways.west;
  const supervisor = actor('olga', 'supervisor');
  for (const id of [...book.cases].filter((one) => !book.decided.has(one)))
    if ((await services.findCase(supervisor, id)).case.decision !== null) book.decided.add(id);
  for (const id of [...book.items].filter((one) => !book.acked.has(one)))
    if ((await services.findItem(supervisor, id)).state === 'ACKED') book.acked.add(id);
  return [
    ...[...book.cases].filter((id) => !book.decided.has(id)),
    ...[...book.items].filter((id) => !book.acked.has(id)),
  ];
}

/** Every claim of an item ends before the next: read from the record of what happened. */
async function findDoubleLeases(): Promise<string[]> {
  const found: string[] = [];
  for (const { shard, number } of gateways.west.engines) {
    const rows = await shard.runPatiently<{ item_id: string }>(
      {
        name: 'test-double-leases',
        text: `select item_id from (
                 select item_id, type, lag(type) over (partition by item_id order by position, sequence) as before,
                        at, lag(lease_expires_at) over (partition by item_id order by position, sequence) as until
                   from item_events where type in ('CLAIMED', 'RELEASED', 'LEASE_EXPIRED', 'APPROVED', 'ACKED', 'NACKED')) e
                where type = 'CLAIMED' and before = 'CLAIMED' and at < until`,
      },
      [],
    );
    found.push(...rows.map((row) => `${number}: ${row.item_id}`));
  }
  return found;
}

describe('a region', () => {
  test('is killed under load and comes back with all that it had', { timeout: size(60_000, 600_000) }, async () => {
    for (let round = 0; round < size(1, 5); round++) {
      const book = new Book();
      let producing = true;
      let working = true;
      const producers = regions.flatMap((region) => [1, 2].map((n) => produce(book, region, n, () => !producing)));
      const workers = regions.flatMap((region) =>
        [1, 2].flatMap((n) => [decide(book, region, n, () => !working), consume(book, region, n, () => !working)]),
      );
      await delay(size(1_000, 5_000));
      const before = { cases: book.cases.size, decided: book.decided.size, acked: book.acked.size };
      expect(before.decided).toBeGreaterThan(0);

      await kill();
      await expect.poll(() => book.takenOver.cases, { timeout: 10_000 }).toBeGreaterThan(5);
      await expect.poll(() => book.takenOver.items, { timeout: 10_000 }).toBeGreaterThan(5);
      const during = { decided: book.decided.size, acked: book.acked.size };
      await expect.poll(() => book.decided.size, { timeout: 10_000 }).toBeGreaterThan(during.decided + 10);
      await expect.poll(() => book.acked.size, { timeout: 10_000 }).toBeGreaterThan(during.acked + 10);
      await delay(size(0, 10_000));

      await bringBack();
      const east = gateways.east.engines.slice(0, 2);
      await expect.poll(() => east.every(({ shard }) => shard.available), { timeout: 10_000 }).toBe(true);
      const homeAt = book.cases.size;
      await expect
        .poll(() => [...book.cases].slice(homeAt).some((id) => shardOf(id) < 2), { timeout: 10_000 })
        .toBe(true);

      producing = false;
      await Promise.all(producers);
      await expect.poll(() => findUnfinished(book), { timeout: 30_000 }).toEqual([]);
      working = false;
      await Promise.all(workers);
      expect(book.overlaps).toEqual([]);
      expect(await findDoubleLeases()).toEqual([]);
      if (isLongForm)
        console.info({ round, cases: book.cases.size, items: book.items.size, takenOver: book.takenOver });
    }
  });
});
