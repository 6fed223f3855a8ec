import { Fault } from '../domain/errors.ts';

export interface Edge<Node> {
  readonly cursor: string;
  readonly node: Node;
}

export interface ShardPage<Node> {
  readonly edges: readonly Edge<Node>[];
  readonly hasNextPage: boolean;
}

export interface MergedPage<Node> extends ShardPage<Node> {
  /** Shards that did not answer: what they have is missing. */
  readonly partialShards: readonly number[];
}

/** What each shard answered; undefined for one that could not be reached. */
export interface ShardAnswers<Value> {
  readonly values: readonly Value[];
  readonly partialShards: readonly number[];
}

/**
 * Asks all shards at once.
 * @throws the fault of one that refused, or `UNAVAILABLE` when none can be reached
 */
export async function askShards<Part extends { readonly number: number }, Value>(
  parts: readonly Part[],
  ask: (part: Part) => Promise<Value>,
): Promise<ShardAnswers<Value>> {
  const ends = await Promise.allSettled(parts.map(ask));
  const values: Value[] = [];
  const partialShards: number[] = [];
  let outage: unknown;
  for (const [index, end] of ends.entries()) {
    if (end.status === 'fulfilled') values.push(end.value);
    else if (end.reason instanceof Fault && end.reason.code === 'UNAVAILABLE') {
      outage = end.reason;
      partialShards.push(parts[index]!.number);
    } else throw end.reason;
  }
  if (values.length === 0 && outage !== undefined) throw outage;
  return { values, partialShards };
}

/**
 * One page of what all shards have, from a page of each after the same cursor: cursors name a place in the order, not on
 * a shard, so the next page goes on everywhere.
 */
export function mergePages<Node>(
  { values, partialShards }: ShardAnswers<ShardPage<Node>>,
  first: number,
  compare: (a: Edge<Node>, b: Edge<Node>) => number,
): MergedPage<Node> {
  const edges = values.flatMap((page) => page.edges).sort(compare);
  return {
    edges: edges.slice(0, first),
    hasNextPage: edges.length > first || values.some((page) => page.hasNextPage),
    partialShards,
  };
}
