import { unavailable } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { RecentCache } from '../domain/recent-cache.ts';
import { loadStatement } from '../postgres/sql.ts';
import type { ShardEngine } from '../shard-engine.ts';
import { askShards } from './merge-pages.ts';
import type { Placement } from './placement.ts';

const findDigestHome = loadStatement('find-digest-home');
const keepDigestHome = loadStatement('keep-digest-home');

interface Row {
  readonly home: number | null;
  readonly lies_here: boolean;
}

/**
 * On which shard the requests and digests of a namespace lie: all on one, because a request, its provider and its
 * customer are changed together. The first provider or customer of a namespace settles it, for good: the first shard
 * keeps which one it was, so that two processes that have never heard of the namespace agree.
 */
export class DigestHomes {
  readonly #engines: readonly ShardEngine[];
  readonly #placement: Pick<Placement, 'choose'>;
  readonly #known = new RecentCache<number>(limits.digestHomesRemembered);

  constructor(engines: readonly ShardEngine[], placement: Pick<Placement, 'choose'>) {
    this.#engines = engines;
    this.#placement = placement;
  }

  /**
   * The shard of a namespace's digests; undefined when it has none.
   * @throws Fault `UNAVAILABLE` when none is found and a shard is away, which may have them
   */
  async find(namespace: string): Promise<number | undefined> {
    const known = this.#known.get(namespace);
    if (known !== undefined) return known;
    const { values, partialShards } = await askShards(this.#engines, async ({ number, shard }) => {
      const rows = await shard.run<Row>(findDigestHome, [namespace]);
      return { number, ...rows[0]! };
    });
    // What was there before homes were kept has no entry, and stays where it is.
    const home = values.find((row) => row.home !== null)?.home ?? values.find((row) => row.lies_here)?.number;
    if (home != null) this.#known.set(namespace, home);
    else if (partialShards.length > 0) throw unavailable(1_000);
    return home ?? undefined;
  }

  /**
   * The same, and settles one for a namespace that has none yet, among the shards that take something new.
   * @throws Fault `UNAVAILABLE` when it has to be settled and the first shard, or all others, are away
   */
  async settle(namespace: string): Promise<number> {
    const found = await this.find(namespace);
    if (found !== undefined) return found;
    const directory = this.#engines[0]!.shard;
    const chosen = this.#placement.choose([namespace, 'digests']);
    await directory.run(keepDigestHome, [namespace, chosen.number]);
    // Another process may have been first.
    const rows = await directory.run<Row>(findDigestHome, [namespace]);
    const home = rows[0]!.home!;
    this.#known.set(namespace, home);
    return home;
  }
}
