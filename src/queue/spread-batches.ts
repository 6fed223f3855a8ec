import { Fault } from '../domain/errors.ts';
import type { OrderKey } from '../domain/order.ts';
import { compareKeys } from '../domain/order.ts';
import type { Topic } from '../domain/topic.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement } from '../postgres/sql.ts';
import type { BatchClaims, TakenBatch, WantedItems } from './batch-claims.ts';
import type { BatchRequest, BatchRow, TakenItem } from './batch-desk.ts';

const readHeadKeys = loadStatement('read-head-keys');

/** A topic with its parts on the shards. */
export interface SpreadTopic {
  readonly count: number;
  /** Where its items are looked for first. */
  readonly near: readonly Topic[];
  /** Where else there may be some: looked at when nothing else is left to do. */
  readonly far: readonly Topic[];
}

export interface SpreadBatch<Row extends BatchRow> extends TakenBatch<Row> {
  /** Shards that could not be asked. */
  readonly partialShards: readonly number[];
}

export interface SpreadBatchesOptions<Row extends BatchRow> {
  readonly claims: BatchClaims<Row>;
  readonly shards: ReadonlyMap<number, Shard>;
  readonly now: () => number;
}

/** Hands out many items at once of topics that lie on several shards, of each topic the best over its near shards. */
export class SpreadBatches<Row extends BatchRow> {
  readonly #options: SpreadBatchesOptions<Row>;

  constructor(options: SpreadBatchesOptions<Row>) {
    this.#options = options;
  }

  /**
   * As `BatchClaims.claimBatch`. A shard that cannot be reached is left out and named.
   * @throws Fault `BACKPRESSURE` when too many wait, `UNAVAILABLE` when no shard can be reached
   */
  async claimBatch(
    wanted: readonly SpreadTopic[],
    request: BatchRequest,
    waitMilliseconds: number,
    signal: AbortSignal,
  ): Promise<SpreadBatch<Row>> {
    const { claims, now } = this.#options;
    const deadline = now() + waitMilliseconds;
    for (;;) {
      const round = new Round<Row>();
      await Promise.all(wanted.map((topic) => this.#fillNear(topic, request, signal, round)));
      if (round.items.length === 0) await this.#fillFar(wanted, request, signal, round);
      const left = deadline - now();
      if (round.items.length > 0 || left <= 0 || signal.aborted || claims.draining) return round.finish(wanted);
      const lines = wanted.flatMap(({ near, far, count }) => [...near, ...far].map((topic) => ({ topic, count })));
      const first = await claims.waitInLines(lines, request, left, signal);
      // Without any: time is up, and one last look gives the answer.
      if (first === undefined && !signal.aborted) continue;
      round.items.push(...(first ?? []));
      return round.finish(wanted);
    }
  }

  /** The best items over the near shards: each gives as many as it has among the best of all. */
  async #fillNear(wanted: SpreadTopic, request: BatchRequest, signal: AbortSignal, round: Round<Row>): Promise<void> {
    const { near, count } = wanted;
    const shares = near.length === 1 ? [{ topic: near[0]!, count }] : await this.#share(near, count, round);
    await this.#claim(shares, request, signal, round);
  }

  async #fillFar(
    wanted: readonly SpreadTopic[],
    request: BatchRequest,
    signal: AbortSignal,
    round: Round<Row>,
  ): Promise<void> {
    for (const { far, count } of wanted) {
      for (const topic of far) {
        const left = count - round.itemsOf(far);
        if (left <= 0) break;
        await this.#claim([{ topic, count: left }], request, signal, round);
      }
    }
  }

  async #share(near: readonly Topic[], count: number, round: Round<Row>): Promise<readonly WantedItems[]> {
    const heads: { readonly topic: Topic; readonly key: OrderKey }[] = [];
    await Promise.all(
      near.map((topic) =>
        round.attempt(topic, async () => {
          const rows = await this.#options.shards
            .get(topic.shard)!
            .run<{ priority: number; deliver_after: string; id: string }>(readHeadKeys, [topic.id, count]);
          for (const { priority, deliver_after: deliverAfter, id } of rows)
            heads.push({ topic, key: { priority, deliverAfter, id } });
        }),
      ),
    );
    heads.sort((a, b) => compareKeys(a.key, b.key));
    const best = Map.groupBy(heads.slice(0, count), ({ topic }) => topic);
    return [...best].map(([topic, keys]) => ({ topic, count: keys.length }));
  }

  async #claim(
    shares: readonly WantedItems[],
    request: BatchRequest,
    signal: AbortSignal,
    round: Round<Row>,
  ): Promise<void> {
    await Promise.all(
      shares.map((share) =>
        round.attempt(share.topic, async () => {
          const batch = await this.#options.claims.claimBatch([share], request, 0, signal);
          round.items.push(...batch.items);
          for (const topic of batch.paused) round.paused.add(topic);
        }),
      ),
    );
  }
}

/** What one look brought. */
class Round<Row extends BatchRow> {
  readonly items: TakenItem<Row>[] = [];
  readonly paused = new Set<Topic>();
  readonly #away = new Set<number>();
  #outage: unknown;
  #failure: unknown;

  itemsOf(topics: readonly Topic[]): number {
    return this.items.filter(({ topic }) => topics.includes(topic)).length;
  }

  async attempt(topic: Topic, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof Fault && error.code === 'UNAVAILABLE') this.#away.add(topic.shard);
      else this.#failure ??= error;
      this.#outage = error;
    }
  }

  /**
   * What is leased must be handed out, so a failure counts only when nothing is.
   * @throws Fault `UNAVAILABLE` when no shard of these topics could be asked
   */
  finish(wanted: readonly SpreadTopic[]): SpreadBatch<Row> {
    const parts = wanted.flatMap(({ near, far }) => [...near, ...far]);
    if (this.items.length === 0) {
      if (this.#failure !== undefined) throw this.#failure;
      if (parts.every((topic) => this.#away.has(topic.shard))) throw this.#outage;
    }
    const items = wanted.flatMap(({ near, far }) =>
      this.items
        .filter(({ topic }) => near.includes(topic) || far.includes(topic))
        .sort((a, b) => compareKeys(keyOf(a.row), keyOf(b.row))),
    );
    return { items, paused: this.paused, partialShards: [...this.#away].sort((a, b) => a - b) };
  }
}

function keyOf(row: BatchRow): OrderKey {
  return { priority: row.item_priority, deliverAfter: row.item_deliver_after, id: row.item_id };
}
