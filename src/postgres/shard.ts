import type { Migrator } from '@mikro-orm/migrations';
import type { EntityManager } from '@mikro-orm/postgresql';
import { MikroORM } from '@mikro-orm/postgresql';
import type { Pool } from 'pg';
import { limits } from '../domain/limits.ts';
import type { Logger } from '../log.ts';
import { entities } from './entities/entities.ts';
import { isConflict, isFull, isSilent, isUnreachable, toFault } from './faults.ts';
import { Reachability } from './reachability.ts';
import type { Statement } from './sql.ts';
import { loadFunctions } from './sql.ts';

export interface ShardOptions {
  readonly number: number;
  readonly url: string;
  readonly connections: number;
  readonly log: Logger;
  /** Without limits on the time of statements and transactions, for migrations. */
  readonly patient?: boolean;
}

export interface PoolState {
  readonly total: number;
  readonly idle: number;
  readonly waiting: number;
}

/** The longest a statement may keep its caller, clear of the two seconds in which every request must be answered. */
const statementMilliseconds = 1_800;
const conflictRetries = 3;
/** How often a full disk is told. */
const fullMilliseconds = 10_000;

/** One PostgreSQL database: an entity manager for the cold paths, prepared statements for the hot ones, one pool. */
export class Shard {
  readonly number: number;
  readonly #orm: MikroORM;
  readonly #log: Logger;
  readonly #reachability: Reachability;
  #pool: Pool | undefined;
  #fullToldAt = Number.NEGATIVE_INFINITY;

  private constructor({ number, url, log }: ShardOptions, orm: MikroORM) {
    this.number = number;
    this.#orm = orm;
    this.#log = log;
    this.#reachability = new Reachability(url);
  }

  /** Makes the shard ready; no connection is opened before the first statement. */
  static async open(options: ShardOptions): Promise<Shard> {
    const orm = await MikroORM.init({
      clientUrl: options.url,
      entities,
      discovery: { warnWhenNoEntities: false },
      pool: { min: 0, max: options.connections, idleTimeoutMillis: 30_000 },
      forceUtcTimezone: true,
      allowGlobalContext: false,
      // Making a database that is missing would leave this pool on another one: it is for whoever runs the server to make.
      ensureDatabase: false,
      logger: (message) => options.log.debug(message),
      driverOptions: {
        connectionTimeoutMillis: limits.postgresConnectMilliseconds,
        // For every query that has no limit of its own: a server that vanished never says that time is up.
        query_timeout:
          options.patient === true
            ? undefined
            : limits.postgresStatementMilliseconds + limits.postgresConnectMilliseconds,
        keepAlive: true,
        application_name: 'caseload',
        options: [
          'TimeZone=UTC',
          `statement_timeout=${options.patient === true ? 0 : limits.postgresStatementMilliseconds}`,
          `lock_timeout=${limits.postgresLockMilliseconds}`,
          `idle_in_transaction_session_timeout=${limits.postgresIdleInTransactionMilliseconds}`,
          `transaction_timeout=${options.patient === true ? 0 : limits.postgresTransactionMilliseconds}`,
          'jit=off',
        ]
          .map((setting) => `-c ${setting}`)
          .join(' '),
      },
    });
    return new Shard(options, orm);
  }

  /**
   * Runs a prepared statement in a transaction of its own. Conflicts between transactions are tried again, three times.
   * @throws Fault `UNAVAILABLE` when the database cannot be reached (what happened to the statement is then unknown),
   * `BACKPRESSURE` when a lock or a connection could not be had in time
   */
  async run<Row extends object>(statement: Statement, values: readonly unknown[]): Promise<Row[]> {
    for (let attempt = 0; ; attempt++) {
      try {
        const pool = this.#pool ?? (await this.#openPool());
        const query = {
          name: statement.name,
          text: statement.text,
          values: values as unknown[],
          query_timeout: statementMilliseconds,
        };
        this.#reachability.require();
        const result = await this.#reachability.watch(pool.query<Row>(query));
        return result.rows;
      } catch (error) {
        if (isConflict(error) && attempt < conflictRetries) continue;
        if (isSilent(error)) this.#reachability.lose(error);
        else if (isUnreachable(error)) this.#reachability.suspect(error);
        if (isUnreachable(error)) this.#log.debug({ shard: this.number, err: error }, 'shard is out of reach');
        if (isFull(error)) this.#tellFull(error);
        throw toFault(error);
      }
    }
  }

  /** An operator must know, and one line in a while is enough. */
  #tellFull(error: unknown): void {
    const now = performance.now();
    if (now - this.#fullToldAt < fullMilliseconds) return;
    this.#fullToldAt = now;
    this.#log.error({ shard: this.number, err: error }, 'the disk of a shard is full: what needs room is refused');
  }

  /** Runs a statement that may take up to a minute, on a connection of its own. Faults as for `run`. */
  async runPatiently<Row extends object>(statement: Statement, values: readonly unknown[]): Promise<Row[]> {
    try {
      const client = await (await this.pool()).connect();
      let broken = true;
      try {
        const milliseconds = limits.postgresPatientMilliseconds;
        await client.query(`set statement_timeout = ${milliseconds}; set transaction_timeout = 0`);
        const query = {
          text: statement.text,
          values: values as unknown[],
          query_timeout: milliseconds + limits.postgresConnectMilliseconds,
        };
        const result = await client.query<Row>(query);
        await client.query('reset statement_timeout; reset transaction_timeout');
        broken = false;
        return result.rows;
      } finally {
        client.release(broken);
      }
    } catch (error) {
      throw toFault(error);
    }
  }

  /** A unit of work of its own, for reads and for the cold paths. Faults as for `run`. */
  async work<Result>(body: (entityManager: EntityManager) => Promise<Result>): Promise<Result> {
    this.#reachability.require();
    try {
      return await body(this.#orm.em.fork() as EntityManager);
    } catch (error) {
      throw toFault(error);
    }
  }

  /** Answers whether the database does, within the connection time limit. */
  async ping(): Promise<boolean> {
    try {
      await this.run({ name: 'ping', text: 'select 1' }, []);
      return true;
    } catch {
      return false; // the caller asked exactly this
    }
  }

  /**
   * Brings the database's tables and functions up to this version; reports each migration's name.
   * @throws the driver's error when the database is missing or out of reach
   */
  async migrate(report: (name: string) => void): Promise<void> {
    const applied = await (await this.#openMigrator()).up();
    for (const migration of applied) report(migration.name);
    const pool = await this.#openPool();
    const client = await pool.connect();
    try {
      await client.query('begin');
      // Programs of several replicas may do this at once.
      await client.query(`select pg_advisory_xact_lock(hashtext('caseload functions'))`);
      for (const definition of loadFunctions()) await client.query(definition.text);
      // After a restore into a cluster with younger transaction ids, positions must go on rising.
      await client.query(`
        update event_epoch set transaction_offset = greatest(transaction_offset, last.position + 1 - pg_current_xact_id()::text::bigint)
          from (select greatest((select max(position) from events), (select max(position) from operator_acts), 0) as position) last
         where last.position >= pg_current_xact_id()::text::bigint + transaction_offset`);
      await client.query('commit');
    } catch (error) {
      await client.query('rollback');
      throw error;
    } finally {
      client.release();
    }
  }

  async pendingMigrations(): Promise<readonly string[]> {
    return (await (await this.#openMigrator()).getPending()).map((migration) => migration.name);
  }

  /** The pool, for sessions that need one connection for long (locks, transactions by hand). */
  async pool(): Promise<Pool> {
    return this.#pool ?? this.#openPool();
  }

  /** Whether statements are tried: the circuit breaker is closed. It opens and closes by itself. */
  get available(): boolean {
    return !this.#reachability.open;
  }

  /** How many connections are open, how many of those are idle, and how many callers wait for one. */
  get poolState(): PoolState {
    const pool = this.#pool;
    return { total: pool?.totalCount ?? 0, idle: pool?.idleCount ?? 0, waiting: pool?.waitingCount ?? 0 };
  }

  async close(): Promise<void> {
    this.#reachability.close();
    await this.#orm.close(true);
    // The ORM ends a pool only when it has asked something through it itself.
    const pool = this.#pool;
    if (pool !== undefined && !pool.ending) await pool.end();
  }

  /** Loaded only where something migrates: it is a good part of what a program would otherwise hold for nothing. */
  async #openMigrator(): Promise<Migrator> {
    // It makes the database, too, where that is missing. So whoever has none is told here.
    await (await this.pool()).query('select 1');
    const [{ Migrator }, { migrations }] = await Promise.all([
      import('@mikro-orm/migrations'),
      import('./migrations/migrations.ts'),
    ]);
    const { config, em } = this.#orm;
    config.set('migrations', {
      ...config.get('migrations'),
      migrationsList: [...migrations],
      tableName: 'migrations',
      snapshot: false,
      transactional: true,
    });
    return new Migrator(em);
  }

  async #openPool(): Promise<Pool> {
    const connection = this.#orm.em.getConnection() as unknown as { getNativeClient(): Promise<Pool> };
    this.#pool = await connection.getNativeClient();
    return this.#pool;
  }
}
