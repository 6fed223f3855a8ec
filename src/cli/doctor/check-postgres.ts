import { Client } from 'pg';
import { limits } from '../../domain/limits.ts';
import { createLogger } from '../../log.ts';
import { Shard } from '../../postgres/shard.ts';
import { withoutPassword } from '../addresses.ts';
import type { Check } from './check.ts';
import { ok, reasonOf, unknown, warning, wrong } from './check.ts';

/** Older ones do not know `transaction_timeout`, with which every connection is opened. */
const versionFloor = 170_000;
/** A token is refused beyond this: then people are locked out. */
const clockWrongMilliseconds = 5_000;
const clockWarningMilliseconds = 1_000;
/** Whatever is older keeps dead rows alive, over which every claim has to step. */
const oldTransactionSeconds = 60;

interface ServerRow {
  readonly version: string;
  readonly version_number: number;
  readonly now_milliseconds: number;
  readonly in_recovery: boolean;
  readonly fsync: string;
  readonly synchronous_commit: string;
  readonly full_page_writes: string;
  readonly connections_max: number;
  readonly connections: number;
  readonly oldest_transaction_seconds: number;
}

const readServer = `
  select current_setting('server_version') as version,
         current_setting('server_version_num')::integer as version_number,
         extract(epoch from clock_timestamp())::float8 * 1000 as now_milliseconds,
         pg_is_in_recovery() as in_recovery,
         current_setting('fsync') as fsync,
         current_setting('synchronous_commit') as synchronous_commit,
         current_setting('full_page_writes') as full_page_writes,
         current_setting('max_connections')::integer as connections_max,
         (select count(*) from pg_stat_activity where backend_type = 'client backend')::integer as connections,
         (select coalesce(max(extract(epoch from clock_timestamp() - xact_start)), 0) from pg_stat_activity
           where backend_type = 'client backend')::float8 as oldest_transaction_seconds`;

/** Looks at the database of one shard: there, new enough, set up to keep what it confirms, migrated, in time. */
export async function checkPostgres(number: number, url: string): Promise<readonly Check[]> {
  const name = `PostgreSQL, shard ${number}`;
  let reading: { row: ServerRow; clockDifference: number };
  try {
    reading = await read(url);
  } catch (error) {
    const found = `${withoutPassword(url)} cannot be used: ${reasonOf(error)}`;
    return [
      wrong(name, found, 'npm start brings one; else check DATABASE_URLS'),
      unknown('migrations', 'not looked at'),
    ];
  }
  const { row, clockDifference } = reading;
  const isNewEnough = row.version_number >= versionFloor;
  return [
    isNewEnough
      ? ok(name, `${row.version}, ${withoutPassword(url)}`)
      : wrong(name, `${row.version} has no transaction_timeout`, 'use PostgreSQL 17 or newer, best 18'),
    checkRole(row),
    checkDurability(row),
    checkConnections(row),
    checkOldTransactions(row),
    checkClock(clockDifference),
    isNewEnough && !row.in_recovery ? await checkMigrations(number, url) : unknown('migrations', 'not looked at'),
  ];
}

async function read(url: string): Promise<{ row: ServerRow; clockDifference: number }> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: limits.postgresConnectMilliseconds,
    query_timeout: limits.postgresStatementMilliseconds,
    application_name: 'caseload doctor',
  });
  await client.connect();
  try {
    const before = Date.now();
    const row = (await client.query<ServerRow>(readServer)).rows[0]!;
    const middle = (before + Date.now()) / 2;
    return { row, clockDifference: row.now_milliseconds - middle };
  } finally {
    await client.end();
  }
}

function checkRole({ in_recovery: inRecovery }: ServerRow): Check {
  return inRecovery
    ? wrong('primary', 'this server is a replica and takes no writes', 'name the primary in DATABASE_URLS')
    : ok('primary', 'takes writes');
}

function checkDurability(row: ServerRow): Check {
  const name = 'durability';
  const settings = `fsync ${row.fsync}, synchronous_commit ${row.synchronous_commit}, full_page_writes ${row.full_page_writes}`;
  const off = (['fsync', 'synchronous_commit', 'full_page_writes'] as const).find((setting) => row[setting] === 'off');
  return off === undefined
    ? ok(name, settings)
    : wrong(name, settings, `alter system set ${off} = on; then pg_ctl reload`);
}

function checkConnections({ connections, connections_max: max }: ServerRow): Check {
  const found = `${connections} of ${max}`;
  return connections < max * 0.8
    ? ok('connections', found)
    : warning('connections', found, 'raise max_connections, or lower POOL_CONNECTIONS of the programs');
}

function checkOldTransactions({ oldest_transaction_seconds: seconds }: ServerRow): Check {
  const found = seconds < 1 ? 'none is old' : `the oldest is ${Math.round(seconds)} s old`;
  return seconds < oldTransactionSeconds
    ? ok('transactions', found)
    : warning(
        'transactions',
        found,
        'end it if it may be: select pg_terminate_backend(pid) from pg_stat_activity order by xact_start limit 1',
      );
}

function checkClock(differenceMilliseconds: number): Check {
  const amount = Math.abs(differenceMilliseconds);
  const found = `the database's is ${amount.toFixed(0)} ms ${differenceMilliseconds < 0 ? 'behind' : 'ahead of'} this machine's`;
  if (amount < clockWarningMilliseconds) return ok('clocks', found);
  const remedy = 'set the clocks by NTP on both machines (timedatectl set-ntp true)';
  return amount < clockWrongMilliseconds ? warning('clocks', found, remedy) : wrong('clocks', found, remedy);
}

async function checkMigrations(number: number, url: string): Promise<Check> {
  const shard = await Shard.open({ number, url, connections: 1, log: createLogger('doctor', 'fatal') });
  try {
    const pending = await shard.pendingMigrations();
    return pending.length === 0
      ? ok('migrations', 'all applied')
      : wrong('migrations', `not applied: ${pending.join(', ')}`, 'npx caseload migrate');
  } catch (error) {
    return wrong(
      'migrations',
      `cannot be read: ${reasonOf(error)}`,
      'give the account the rights of the tables’ owner',
    );
  } finally {
    await shard.close();
  }
}
