import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import type { PoolClient } from 'pg';
import { limits } from '../domain/limits.ts';
import type { Shard } from '../postgres/shard.ts';
import type { ShardBackup, TableBackup } from './manifest.ts';
import { BackupError, tableFile } from './manifest.ts';
import type { TableShape } from './tables.ts';
import { findUsedTable, readMigrations, readTables } from './tables.ts';

/**
 * Puts a shard's rows back into a database that nobody has used: makes the tables of this version, and fills them in
 * one transaction. Died half way it leaves empty tables behind, and may be run again.
 * @throws BackupError, and nothing has been put in, when the database has rows, the backup is of another version, or a
 * file is not what the backup's manifest says
 */
export async function loadShard(shard: Shard, backup: ShardBackup, folder: string): Promise<number> {
  await shard.migrate(() => undefined);
  const client = await (await shard.pool()).connect();
  let broken = true;
  let rows = 0;
  try {
    await client.query('begin');
    const tables = await readTables(client);
    await requireEmpty(client, tables, shard.number);
    await requireSameVersion(client, tables, backup);
    // What a trigger would write is in the backup already.
    await setTriggers(client, tables, 'disable');
    for (const table of backup.tables) {
      await client.query(`delete from ${client.escapeIdentifier(table.name)}`);
      rows += await loadTable(client, table, tableFile(folder, backup.shard, table.name));
    }
    for (const table of tables) await continueIdentities(client, table);
    await setTriggers(client, tables, 'enable');
    await client.query('commit');
    broken = false;
  } finally {
    client.release(broken);
  }
  // Positions of events go on rising, also where this cluster's transactions are younger.
  await shard.migrate(() => undefined);
  return rows;
}

async function setTriggers(
  client: PoolClient,
  tables: readonly TableShape[],
  how: 'disable' | 'enable',
): Promise<void> {
  for (const { name } of tables) await client.query(`alter table ${client.escapeIdentifier(name)} ${how} trigger user`);
}

async function requireEmpty(client: PoolClient, tables: readonly TableShape[], shard: number): Promise<void> {
  const used = await findUsedTable(client, tables);
  if (used === undefined) return;
  throw new BackupError(`shard ${shard} has rows in its table ${used}: a backup goes into an empty database only`);
}

async function requireSameVersion(
  client: PoolClient,
  tables: readonly TableShape[],
  { shard, migrations, tables: saved }: ShardBackup,
): Promise<void> {
  const applied = await readMigrations(client);
  if (
    applied.join() !== migrations.join() ||
    tables.map(({ name }) => name).join() !== saved.map(({ name }) => name).join()
  )
    throw new BackupError(
      `the backup of shard ${shard} was made by another version (its last migration is ${migrations.at(-1)}, here it is ` +
        `${applied.at(-1)}): restore it with that version, then migrate with this one`,
    );
}

async function loadTable(client: PoolClient, table: TableBackup, file: string): Promise<number> {
  const name = client.escapeIdentifier(table.name);
  const columns = table.columns.map((column) => client.escapeIdentifier(column)).join(', ');
  const insert = `insert into ${name} (${columns}) overriding system value
    select ${columns} from json_populate_recordset(null::${name}, $1::json)`;
  const hash = createHash('sha256');
  let rows = 0;
  let page: string[] = [];
  const flush = async (): Promise<void> => {
    if (page.length > 0) await client.query(insert, [`[${page.join(',')}]`]);
    page = [];
  };
  for await (const line of readLines(file)) {
    hash.update(`${line}\n`);
    rows += 1;
    page.push(line);
    if (page.length === limits.backupRowsAtOnce) await flush();
  }
  await flush();
  if (rows !== table.rows || hash.digest('hex') !== table.sha256)
    throw new BackupError(`${file} is not what was written: it has ${rows} rows of ${table.rows}, or others`);
  return rows;
}

/** Splits at line feeds alone: what other marks separate lines elsewhere may stand inside of a value. */
async function* readLines(file: string): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of createReadStream(file).pipe(createGunzip()).setEncoding('utf8') as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest !== '') yield rest;
}

/** What counts by itself goes on behind the highest number that there is. */
async function continueIdentities(client: PoolClient, table: TableShape): Promise<void> {
  const name = client.escapeIdentifier(table.name);
  for (const column of table.identities)
    await client.query(
      `select setval(pg_get_serial_sequence($1, $2), greatest(1, max(${client.escapeIdentifier(column)})), max(${client.escapeIdentifier(column)}) is not null) from ${name}`,
      [table.name, column],
    );
}
