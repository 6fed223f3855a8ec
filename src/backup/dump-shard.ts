import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { PoolClient } from 'pg';
import { limits } from '../domain/limits.ts';
import type { Shard } from '../postgres/shard.ts';
import type { ShardBackup, TableBackup } from './manifest.ts';
import { BackupError, tableFile } from './manifest.ts';
import type { TableShape } from './tables.ts';
import { readMigrations, readTables } from './tables.ts';

/**
 * Writes every table of a shard into a folder, one JSON line a row, as they all were at one moment; work goes on
 * meanwhile. Holds a few hundred rows in memory.
 * @throws BackupError when the shard has no tables, and what the database and the disk throw
 */
export async function dumpShard(shard: Shard, folder: string): Promise<ShardBackup> {
  const client = await (await shard.pool()).connect();
  let broken = true;
  try {
    await client.query('begin isolation level repeatable read read only');
    const moment = await client.query<{ at: string }>("select to_json(clock_timestamp()) #>> '{}' as at");
    const migrations = await readMigrations(client);
    if (migrations.length === 0) throw new BackupError(`shard ${shard.number} has no tables: caseload migrate first`);
    const tables: TableBackup[] = [];
    for (const table of await readTables(client)) tables.push(await dumpTable(client, table, folder, shard.number));
    await client.query('commit');
    broken = false;
    return { shard: shard.number, migrations, snapshotAt: moment.rows[0]!.at, tables };
  } finally {
    client.release(broken);
  }
}

async function dumpTable(client: PoolClient, table: TableShape, folder: string, shard: number): Promise<TableBackup> {
  const file = tableFile(folder, shard, table.name);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const hash = createHash('sha256');
  let rows = 0;
  const lines = async function* (): AsyncGenerator<string> {
    for await (const page of readPages(client, table)) {
      rows += page.length;
      const text = page.join('');
      hash.update(text);
      yield text;
    }
  };
  const target = createWriteStream(file, { mode: 0o600, flush: true });
  await pipeline(Readable.from(lines()), createGzip(), target);
  return { name: table.name, columns: table.columns, rows, sha256: hash.digest('hex') };
}

/** The rows as lines of JSON; the database writes them, so that every value keeps its exact form. */
async function* readPages(client: PoolClient, table: TableShape): AsyncGenerator<readonly string[]> {
  const columns = table.columns.map((column) => client.escapeIdentifier(column)).join(', ');
  await client.query(
    `declare dump no scroll cursor for
     select row_to_json(t)::text as line from (select ${columns} from ${client.escapeIdentifier(table.name)}) t`,
  );
  for (;;) {
    const page = await client.query<{ line: string }>(`fetch ${limits.backupRowsAtOnce} from dump`);
    if (page.rows.length === 0) break;
    yield page.rows.map(({ line }) => `${line.replaceAll('\n', ' ')}\n`);
  }
  await client.query('close dump');
}
