import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLogger } from '../../src/log.ts';
import { Shard } from '../../src/postgres/shard.ts';
import type { TestEngine } from '../support/engine.ts';
import { startEngine } from '../support/engine.ts';
import { createDatabase } from '../support/servers.ts';
import { waitUntil } from '../support/wait-until.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());

const sleep = (seconds: number) => ({ name: `sleep-${seconds}`, text: `select pg_sleep(${seconds})` });

describe.concurrent('a slow statement', () => {
  it('fails its own caller only, within two seconds', async ({ expect }) => {
    const { shard } = engine.foundation;
    await shard.ping();
    const slow = shard.run(sleep(3), []).catch((error: unknown) => error);
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    const other = shard.run(sleep(0.7), []);
    expect(await slow).toMatchObject({ code: 'BACKPRESSURE', retryAfterMs: 250 });
    expect(await other).toHaveLength(1);
    expect(await shard.ping()).toBe(true);
  });

  it('may take longer where it is expected to', async ({ expect }) => {
    expect(await engine.foundation.shard.runPatiently(sleep(2), [])).toHaveLength(1);
  });
});

it('leaves no connection open when it is closed, whoever asked through it', async () => {
  const { url, drop } = await createDatabase();
  for (const useOrm of [false, true]) {
    const shard = await Shard.open({ number: 0, url, connections: 2, log: createLogger('test', 'fatal') });
    const pool = await shard.pool();
    expect(await shard.ping()).toBe(true);
    if (useOrm) await shard.work((entityManager) => entityManager.execute('select 1'));
    await shard.close();
    expect([pool.ended, pool.totalCount]).toEqual([true, 0]);
  }
  await drop();
});

describe('a database that is missing', () => {
  it('is not made by whoever looks for it, and is used when it is there', async () => {
    const { shard: other } = engine.foundation;
    const { name, url, drop } = await createDatabase();
    await drop();
    const shard = await Shard.open({ number: 0, url, connections: 2, log: createLogger('test', 'fatal') });
    const current = { name: 'current-database', text: 'select current_database() as name' };
    await expect(shard.run(current, [])).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(shard.migrate(() => undefined)).rejects.toMatchObject({ code: '3D000' });
    await expect(shard.pendingMigrations()).rejects.toMatchObject({ code: '3D000' });
    const find = { name: 'find-database', text: 'select 1 from pg_database where datname = $1' };
    expect(await other.run(find, [name])).toEqual([]);

    await createDatabase({ name });
    await waitUntil('the shard is found', () => shard.ping());
    expect(await shard.run(current, [])).toEqual([{ name }]);
    const applied: string[] = [];
    await shard.migrate((migration) => applied.push(migration));
    expect(applied[0]).toBe('0001-engine-and-cases');
    expect(await shard.pendingMigrations()).toEqual([]);
    await shard.close();
    await drop();
  });
});
