import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Bench } from './bench.ts';
import { ours } from './contender.ts';
import { withClient } from './stage.ts';

interface StatementTime {
  readonly statement: string;
  readonly calls: number;
  readonly totalMilliseconds: number;
  readonly meanMilliseconds: number;
  readonly rows: number;
}

/** Where the CPU profile of the gateway goes, too, when it ends. */
export const profileFolder = fileURLToPath(new URL('./results/profile/', import.meta.url));

/**
 * Begins to count what the product's statements take in PostgreSQL.
 * @returns a function that writes the table of the statements to `bench/results/profile/`
 */
export async function startProfile(bench: Bench, row: string): Promise<() => Promise<void>> {
  const contender = (await bench.contenders()).find(({ name }) => name === ours)!;
  const url = contender.workbench.databaseUrl;
  await withClient(url, async (client) => {
    await client.query('create extension if not exists pg_stat_statements');
    await client.query('select pg_stat_statements_reset()');
  });
  return async () => {
    const statements = await withClient(url, async (client) => {
      const { rows } = await client.query<StatementTime>(
        `select left(regexp_replace(query, '\\s+', ' ', 'g'), 90) as statement, calls::float8 as calls,
                round(total_exec_time)::float8 as "totalMilliseconds", mean_exec_time as "meanMilliseconds", rows::float8 as rows
           from pg_stat_statements where dbid = (select oid from pg_database where datname = current_database()) and queryid is not null
          order by total_exec_time desc limit 25`,
      );
      return rows;
    });
    mkdirSync(profileFolder, { recursive: true });
    writeFileSync(`${profileFolder}statements-${row}.json`, `${JSON.stringify(statements, null, 2)}\n`);
    console.table(statements);
  };
}
