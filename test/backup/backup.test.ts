import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backUp, restore } from '../../src/cli/backup.ts';
import { limits } from '../../src/domain/limits.ts';
import type { TestEngine } from '../support/engine.ts';
import { actor, alice, application, bob, carol, never, startEngine } from '../support/engine.ts';
import type { TestDatabase } from '../support/servers.ts';
import { createDatabase, uniqueDirectory } from '../support/servers.ts';
import { createJob } from '../tasks/task-engine.ts';

let engine: TestEngine;
const folder = uniqueDirectory('backup');
const databases: TestDatabase[] = [];

async function newDatabase(): Promise<TestDatabase> {
  const database = await createDatabase();
  databases.push(database);
  return database;
}

async function ask<Row extends object>(url: string, text: string): Promise<readonly Row[]> {
  const client = new Client({ connectionString: url, options: '-c TimeZone=UTC' });
  await client.connect();
  try {
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end();
  }
}

/** Everything that a database holds: how many rows each table has, and what they are, whatever their order. */
async function fingerprint(url: string): Promise<readonly object[]> {
  const tables = await ask<{ name: string }>(
    url,
    `select table_name as name from information_schema.tables
      where table_schema = 'public' and table_type = 'BASE TABLE' and table_name not in ('migrations', 'event_epoch') order by 1`,
  );
  const parts = tables.map(
    ({ name }) =>
      `select '${name}' as name, count(*)::integer as rows, md5(string_agg(t::text, '|' order by t::text)) as hash from "${name}" t`,
  );
  return ask(url, parts.join(' union all '));
}

beforeAll(async () => {
  engine = await startEngine();
  const { services } = engine.foundation;
  for (let n = 0; n < limits.backupRowsAtOnce + 10; n += 50)
    await Promise.all(
      Array.from({ length: 50 }, () =>
        services.register(alice, {
          ...application,
          // Marks that end lines elsewhere, quotes, and both ends of the alphabet of bytes.
          applicant: {
            name: 'Zoë "O\u2028Neil"\\',
            email: 'zoe@example.com',
            details: { note: 'a\n\r\u2029b', n: 1e21 },
          },
        }),
      ),
    );
  const claimed = await services.claimNextCase(
    bob,
    { namespace: 'acme', topics: ['cases'], waitMs: 0, leaseSeconds: 60 },
    never,
  );
  if (claimed.kind !== 'claimed') throw new Error(claimed.kind);
  await services.decide(bob, {
    caseId: claimed.held.case.id,
    leaseToken: claimed.held.lease!.token,
    verdict: 'APPROVE',
    reason: 'in order',
    idempotencyKey: 'once',
  });
  await services.claimNextCase(carol, { namespace: 'acme', topics: ['cases'], waitMs: 0, leaseSeconds: 600 }, never);
  await createJob(engine.foundation, [
    { kind: 'webhook', payload: { url: 'https://example.com/', body: { a: [1, null] } } },
  ]);
  // Each is noted twice: as a change of the kind, and as an act of an operator.
  const olga = actor('olga', 'operator');
  await services.pauseTaskKind(olga, { namespace: 'acme', kind: 'webhook', reason: 'a receiver is away' });
  await services.resumeTaskKind(olga, { namespace: 'acme', kind: 'webhook' });
  await backUp([engine.database.url], folder);
});
afterAll(async () => {
  await engine.stop();
  for (const database of databases) await database.drop();
});

describe('a backup', () => {
  it('put into an empty database is the same record, to the last bit', async () => {
    const target = await newDatabase();
    const rows = await restore([target.url], folder);
    const before = await fingerprint(engine.database.url);
    expect(before.length).toBeGreaterThan(8);
    expect(await fingerprint(target.url)).toEqual(before);
    expect(rows).toBeGreaterThan(limits.backupRowsAtOnce * 2);
    // What counts by itself goes on where it was: a new event gets a number of its own.
    await ask(
      target.url,
      `insert into events (position, namespace, topic_id, item_id, type, actor, at)
       select max(position), 'acme', 1, gen_random_uuid(), 'TEST', 'test', now() from events`,
    );
    const [last] = await ask<{ sequence: string; highest: string }>(
      target.url,
      `select (select sequence from events where type = 'TEST') as sequence, max(sequence) filter (where type <> 'TEST') as highest from events`,
    );
    expect(Number(last!.sequence)).toBe(Number(last!.highest) + 1);
  });

  it('has every shard', async () => {
    const both = uniqueDirectory('shards');
    const targets = [await newDatabase(), await newDatabase()];
    await backUp([engine.database.url, engine.database.url], both);
    await restore(
      targets.map(({ url }) => url),
      both,
    );
    for (const { url } of targets) expect(await fingerprint(url)).toEqual(await fingerprint(engine.database.url));
  });

  it('can be read by its owner alone', () => {
    for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
      expect(statSync(join(folder, file)).mode & 0o077, file).toBe(0);
  });

  it('is not written into a folder that has something in it', async () => {
    await expect(backUp([engine.database.url], folder)).rejects.toThrow('is not empty');
  });

  it('is not put over rows that are there, nor into another number of shards', async () => {
    const before = await fingerprint(engine.database.url);
    await expect(restore([engine.database.url], folder)).rejects.toThrow(/has rows in its table \w+/);
    expect(await fingerprint(engine.database.url)).toEqual(before);
    await expect(restore([engine.database.url, engine.database.url], folder)).rejects.toThrow('1 shards');
  });
});

describe('a backup that was damaged', () => {
  const damaged = uniqueDirectory('damaged');
  const manifest = join(damaged, 'manifest.json');
  const cases = join(damaged, 'shard-0', 'cases.jsonl.gz');

  beforeAll(() => {
    mkdirSync(join(damaged, 'shard-0'), { recursive: true });
    for (const file of readdirSync(join(folder, 'shard-0')))
      writeFileSync(join(damaged, 'shard-0', file), readFileSync(join(folder, 'shard-0', file)));
    writeFileSync(manifest, readFileSync(join(folder, 'manifest.json')));
  });

  it('is refused whole, and the database may be tried again', async () => {
    const target = await newDatabase();
    const whole = readFileSync(cases);
    const text = gunzipSync(whole).toString();
    const changes = [text.replace('zoe@', 'zob@'), text.slice(text.indexOf('\n') + 1)];
    for (const changed of changes) {
      writeFileSync(cases, gzipSync(changed));
      await expect(restore([target.url], damaged)).rejects.toThrow('is not what was written');
    }
    writeFileSync(cases, whole.subarray(0, whole.length / 2));
    await expect(restore([target.url], damaged)).rejects.toThrow();
    writeFileSync(cases, whole);
    const other = readFileSync(manifest, 'utf8');
    writeFileSync(manifest, other.replace('0001-engine-and-cases', '0000-before'));
    await expect(restore([target.url], damaged)).rejects.toThrow('was made by another version');
    rmSync(manifest);
    await expect(restore([target.url], damaged)).rejects.toThrow('is no backup');
    writeFileSync(manifest, other);
    expect(await restore([target.url], damaged)).toBeGreaterThan(0);
    expect(await fingerprint(target.url)).toEqual(await fingerprint(engine.database.url));
  });
});
