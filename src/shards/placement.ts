import { createHash } from 'node:crypto';
import { Fault, unavailable } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import type { ShardEngine } from '../shard-engine.ts';
import type { Routing } from './routing.ts';
import { routeOf } from './routing.ts';

const retryAfterMilliseconds = 1_000;

export interface PlacementOptions {
  readonly engines: readonly ShardEngine[];
  /** This process's own region; undefined where there are no regions. */
  readonly region: string | undefined;
  /** The region of each shard, by its number. */
  readonly regionOf: (shard: number) => string | undefined;
  readonly routing: () => Routing;
  /** Told when a shard takes what has its home on another that cannot be reached. */
  readonly onTakeover: (home: number) => void;
  readonly now: () => number;
}

/** Whether a shard has the answer to a request under this key. */
export type FindKey = (engine: ShardEngine) => Promise<boolean>;

/** Which shard takes something new: those of the region that is asked for, else of the own, else of the next one. */
export class Placement {
  readonly #options: PlacementOptions;
  readonly #regions: readonly string[];
  #turn = 0;

  constructor(options: PlacementOptions) {
    this.#options = options;
    this.#regions = [...new Set(options.engines.flatMap(({ number }) => options.regionOf(number) ?? []))];
  }

  /** The names of all regions, in the order of their first shards. */
  get regions(): readonly string[] {
    return this.#regions;
  }

  /**
   * The shards for something new, region by region in the order of the route; drained ones are left out. A region that
   * is left without any is, too.
   * @throws Fault `BAD_USER_INPUT` when there is no such region
   */
  tiers(region: string | null | undefined): readonly (readonly ShardEngine[])[] {
    return this.#tiers(region, false);
  }

  #tiers(region: string | null | undefined, withDrained: boolean): readonly (readonly ShardEngine[])[] {
    const { engines, regionOf, routing } = this.#options;
    const { drained } = routing();
    const open = engines.filter(({ number }) => withDrained || !drained.has(number));
    const wanted = region ?? this.#options.region;
    if (this.#regions.length === 0 || wanted === undefined) return open.length === 0 ? [] : [open];
    if (!this.#regions.includes(wanted))
      throw new Fault('BAD_USER_INPUT', `input.region: must be one of ${this.#regions.join(', ')}`, {
        field: 'input.region',
      });
    return routeOf(routing(), wanted, this.#regions)
      .map((name) => open.filter(({ number }) => regionOf(number) === name))
      .filter((tier) => tier.length > 0);
  }

  /** The shards that are near: those of the region, drained or not. All of them where there are no regions. */
  local(region: string | null | undefined): readonly ShardEngine[] {
    const { engines, regionOf } = this.#options;
    const wanted = region ?? this.#options.region;
    return wanted === undefined ? engines : engines.filter(({ number }) => regionOf(number) === wanted);
  }

  /**
   * The shard for something new. What has a key goes to the key's own shard in the region, so that the same request
   * finds what it made before; the rest goes in turn. Shards that cannot be reached are passed over: first for others of
   * the region, then for the next region's.
   * @throws Fault `UNAVAILABLE` when none can be reached, `BAD_USER_INPUT` when there is no such region
   */
  choose(key: readonly string[] | undefined, region?: string | null): ShardEngine {
    for (const tier of this.tiers(region)) {
      const engine = key === undefined ? this.#next(tier) : rankByKey(tier, key).find(isAvailable);
      if (engine !== undefined) return engine;
    }
    throw unavailable(retryAfterMilliseconds);
  }

  /**
   * As `choose`, for a request under an idempotency key. Shards that come before the chosen one in the key's order but
   * are drained, and those that may have taken the key in place of the chosen one, are asked first whether they have it.
   * Faults as for `choose`.
   */
  async chooseForKey(key: readonly string[], region: string | null | undefined, has: FindKey): Promise<ShardEngine> {
    const ranked = this.#tiers(region, true).flatMap((tier) => rankByKey(tier, key));
    const { drained, takeovers } = this.#options.routing();
    const place = ranked.findIndex((engine) => isAvailable(engine) && !drained.has(engine.number));
    const chosen = ranked[place];
    if (chosen === undefined) throw unavailable(retryAfterMilliseconds);
    const open = ranked.find(({ number }) => !drained.has(number))!;
    if (open !== chosen) this.#options.onTakeover(open.number);
    const takenOverAt = takeovers.get(chosen.number);
    const wasAway = takenOverAt !== undefined && this.#options.now() - takenOverAt < limits.idempotencySeconds * 1_000;
    const others = ranked.filter(
      (engine, index) => engine !== chosen && isAvailable(engine) && (index < place || wasAway || open !== chosen),
    );
    const found = await Promise.all(others.map(has));
    return others[found.indexOf(true)] ?? chosen;
  }

  /** The shards over which a topic is spread, by its own order, as many as it is given; then all others. */
  spread(topic: readonly string[], count: number, region?: string | null): TopicSpread {
    const tiers = this.tiers(region).map((tier) => rankByKey(tier, topic));
    const homes = (tiers[0] ?? []).slice(0, count);
    return { homes, others: tiers.flat().filter((engine) => !homes.includes(engine)) };
  }

  /** One of these that can be reached, in turn. */
  #next(engines: readonly ShardEngine[]): ShardEngine | undefined {
    const reachable = engines.filter(isAvailable);
    this.#turn += 1;
    return reachable[this.#turn % Math.max(1, reachable.length)];
  }

  /** The shard of a topic for one item: of its homes in turn, else of the others the next. Faults as for `choose`. */
  next({ homes, others }: TopicSpread): ShardEngine {
    const engine = this.#next(homes) ?? others.find(isAvailable);
    if (engine === undefined) throw unavailable(retryAfterMilliseconds);
    return engine;
  }
}

export interface TopicSpread {
  readonly homes: readonly ShardEngine[];
  /** In the order in which they take over. */
  readonly others: readonly ShardEngine[];
}

export function isAvailable({ shard }: ShardEngine): boolean {
  return shard.available;
}

/**
 * All shards, in an order that follows from the key alone: the first is the key's home. A shard that comes in addition
 * becomes the home of its share of the keys and changes nothing for the others (rendezvous hashing).
 */
export function rankByKey<Engine extends Pick<ShardEngine, 'number'>>(
  engines: readonly Engine[],
  key: readonly string[],
): readonly Engine[] {
  const text = JSON.stringify(key);
  const score = (engine: Engine): string => createHash('sha256').update(`${engine.number} ${text}`).digest('hex');
  return engines
    .map((engine) => ({ engine, score: score(engine) }))
    .sort((a, b) => (a.score < b.score ? 1 : -1))
    .map(({ engine }) => engine);
}
