import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrateAll } from '../../src/cli/migrate.ts';
import { Health } from '../../src/health/health.ts';
import { Shard } from '../../src/postgres/shard.ts';
import type { TestDatabase } from '../support/servers.ts';
import { createDatabase } from '../support/servers.ts';
import { log } from '../support/system.ts';

let database: TestDatabase;
let shard: Shard;
let gone: Shard;
let now = 0;
let nats = true;

/** Each one asks anew: an answer is remembered for a second. */
function health(...shards: readonly Shard[]): Health {
  return new Health({ shards, isNatsConnected: () => nats, now: () => now });
}

beforeAll(async () => {
  database = await createDatabase();
  shard = await Shard.open({ number: 0, url: database.url, connections: 2, log });
  gone = await Shard.open({ number: 1, url: 'postgres://nobody@127.0.0.1:1/none', connections: 2, log });
});
afterAll(async () => {
  await shard.close();
  await gone.close();
  await database.drop();
});

describe('readiness', () => {
  it('waits for the tables of this version', async () => {
    const program = health(shard);
    expect(await program.read()).toMatchObject({ ready: false, postgres: true, migrated: false });
    await migrateAll([database.url], () => undefined);
    now += 1_001;
    expect(await program.read()).toEqual({ ready: true, postgres: true, migrated: true, nats: true, draining: false });
  });

  it('needs one database, and says when another is gone', async () => {
    expect(await health(shard, gone).read()).toMatchObject({ ready: true, postgres: false, migrated: true });
    expect(await health(gone).read()).toMatchObject({ ready: false, postgres: false });
  });

  it('outlasts NATS, but a program that has just started waits for it', async () => {
    const program = health(shard);
    expect(await program.read()).toMatchObject({ ready: true, nats: true });
    nats = false;
    expect(await program.read()).toMatchObject({ ready: true, nats: false });
    const started = health(shard);
    expect(await started.read()).toMatchObject({ ready: false, nats: false });
    now += 10_001;
    expect(await started.read()).toMatchObject({ ready: true, nats: false });
    nats = true;
  });

  it('begins when everything is started, and ends when a stop is asked for', async () => {
    const program = health(shard);
    const started = Promise.withResolvers<void>();
    const starting = program.startWith(() => started.promise);
    expect(await program.read()).toMatchObject({ ready: false, draining: false });
    started.resolve();
    await starting;
    expect(await program.read()).toMatchObject({ ready: true });
    program.drain();
    expect(await program.read()).toMatchObject({ ready: false, draining: true });
  });
});
