import { createHash } from 'node:crypto';
import { unavailable } from '../domain/errors.ts';
import type { ShardEngine } from '../shard-engine.ts';

const retryAfterMilliseconds = 1_000;

/** Which shard takes something new. */
export class Placement {
  readonly #engines: readonly ShardEngine[];
  #turn = 0;

  constructor(engines: readonly ShardEngine[]) {
    this.#engines = engines;
  }

  /**
   * The shard for something new. What has a key always goes to the same one, so that the same request finds what it
   * made before; the rest goes in turn to those that can be reached.
   * @throws Fault `UNAVAILABLE` when it cannot be reached
   */
  choose(key: readonly string[] | undefined): ShardEngine {
    const engine = key === undefined ? this.#next() : rankByKey(this.#engines, key)[0];
    if (engine === undefined || !engine.shard.available) throw unavailable(retryAfterMilliseconds);
    return engine;
  }

  #next(): ShardEngine | undefined {
    const engines = this.#engines.filter(({ shard }) => shard.available);
    this.#turn = (this.#turn + 1) % Math.max(1, engines.length);
    return engines[this.#turn];
  }
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
