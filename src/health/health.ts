import { migrations } from '../postgres/migrations/migrations.ts';
import type { Shard } from '../postgres/shard.ts';

/** What `/readyz` says. */
export interface HealthState {
  /** Whether traffic should come here. */
  readonly ready: boolean;
  /** Whether every database answers. */
  readonly postgres: boolean;
  /** Whether the databases that answer have the tables of this version. */
  readonly migrated: boolean;
  readonly nats: boolean;
  /** The program is stopping. */
  readonly draining: boolean;
}

export interface HealthDependencies {
  readonly shards: readonly Pick<Shard, 'run'>[];
  readonly isNatsConnected: () => boolean;
  /** Milliseconds of a clock that only rises. */
  readonly now: () => number;
}

/** The databases are asked at most this often, however many probes come. */
const rememberMilliseconds = 1_000;
/** A program that has just started waits so long for NATS before it says that it is ready without. */
const natsGraceMilliseconds = 10_000;

const readMigrations = { name: 'read-migrations', text: 'select name from migrations' };
const migrationMissing = 'missing';
type ShardState = 'answers' | typeof migrationMissing | 'silent';

/**
 * Whether a program can do its work. One database that answers is enough, because the work of the others waits for them
 * anyway; NATS is not needed, because without it everything goes on, slower. A balancer that took every gateway away
 * when NATS is down would turn slow into broken.
 */
export class Health {
  readonly #dependencies: HealthDependencies;
  readonly #startedAt: number;
  readonly #migrated = new Set<Pick<Shard, 'run'>>();
  #starting = false;
  #draining = false;
  #natsSeen = false;
  #asked: Promise<readonly ShardState[]> | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(dependencies: HealthDependencies) {
    this.#dependencies = dependencies;
    this.#startedAt = dependencies.now();
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** The program is not ready before the work that is done here is. */
  async startWith<Result>(start: () => Promise<Result>): Promise<Result> {
    this.#starting = true;
    const result = await start();
    this.#starting = false;
    return result;
  }

  /** From now on the program is not ready any more. */
  drain(): void {
    this.#draining = true;
  }

  /** Never rejects, and answers within the time limit of a statement. */
  async read(): Promise<HealthState> {
    const now = this.#dependencies.now();
    if (this.#asked === undefined || now - this.#askedAt > rememberMilliseconds) {
      this.#askedAt = now;
      this.#asked = Promise.all(this.#dependencies.shards.map((shard) => this.#ask(shard)));
    }
    const shards = await this.#asked;
    const nats = this.#dependencies.isNatsConnected();
    this.#natsSeen ||= nats || now - this.#startedAt > natsGraceMilliseconds;
    const migrated = !shards.includes(migrationMissing);
    return {
      ready: shards.includes('answers') && migrated && this.#natsSeen && !this.#starting && !this.#draining,
      postgres: !shards.includes('silent'),
      migrated,
      nats,
      draining: this.#draining,
    };
  }

  async #ask(shard: Pick<Shard, 'run'>): Promise<ShardState> {
    try {
      await shard.run({ name: 'ping', text: 'select 1' }, []);
    } catch {
      return 'silent'; // exactly what was asked
    }
    return this.#migrated.has(shard) ? 'answers' : this.#askForMigrations(shard);
  }

  /** Asked until they are all there, and never again: a version's migrations do not go away under it. */
  async #askForMigrations(shard: Pick<Shard, 'run'>): Promise<ShardState> {
    try {
      const rows = await shard.run<{ name: string }>(readMigrations, []);
      const applied = new Set(rows.map((row) => row.name));
      if (!migrations.every(({ name }) => applied.has(name))) return migrationMissing;
    } catch {
      return migrationMissing; // a database without the table has none of them
    }
    this.#migrated.add(shard);
    return 'answers';
  }
}
