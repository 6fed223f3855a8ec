import type { PoolClient } from 'pg';

/** A table as a backup sees it. */
export interface TableShape {
  readonly name: string;
  /** Without those that the database computes. */
  readonly columns: readonly string[];
  /** Columns that count by themselves. */
  readonly identities: readonly string[];
}

/** Not part of the record: it says which version the tables are of, and `migrate` writes it. */
const bookkeeping = ['migrations'];
/** Tables of one row, which `migrate` puts in. */
const prepared = ['event_epoch', 'event_relay'];

/** Every table of the record, in the order of their names. Whatever a later version adds is in it by itself. */
export async function readTables(client: PoolClient): Promise<readonly TableShape[]> {
  const { rows } = await client.query<TableShape>(
    `select table_name as name,
            array_agg(column_name::text order by ordinal_position) filter (where is_generated = 'NEVER') as columns,
            coalesce(array_agg(column_name::text order by ordinal_position) filter (where is_identity = 'YES'), '{}') as identities
       from information_schema.columns
       join information_schema.tables using (table_schema, table_name)
      where table_schema = current_schema() and table_type = 'BASE TABLE' and table_name <> all ($1::text[])
      group by table_name
      order by table_name`,
    [bookkeeping],
  );
  return rows;
}

/** The names of the migrations that have been applied, in order; none in a database without tables. */
export async function readMigrations(client: PoolClient): Promise<readonly string[]> {
  const found = await client.query<{ exists: boolean }>(`select to_regclass('migrations') is not null as exists`);
  if (found.rows[0]?.exists !== true) return [];
  const { rows } = await client.query<{ name: string }>('select name from migrations order by id');
  return rows.map(({ name }) => name);
}

/** A table that has rows of its own; undefined when nobody has used this database. */
export async function findUsedTable(client: PoolClient, tables: readonly TableShape[]): Promise<string | undefined> {
  for (const { name } of tables) {
    if (prepared.includes(name)) continue;
    const { rows } = await client.query(`select 1 from ${client.escapeIdentifier(name)} limit 1`);
    if (rows.length > 0) return name;
  }
  return undefined;
}
