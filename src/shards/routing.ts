/** What operators set: where each region's new work goes, and which shards take none. */
export interface Routing {
  /** Where the new work of a region goes, in this order; a region that is not named keeps the default. */
  readonly routes: ReadonlyMap<string, readonly string[]>;
  /** Shards that take nothing new; what lies there is handed out and ended as ever. */
  readonly drained: ReadonlySet<number>;
  /** When others last took something in place of a shard, in milliseconds since the epoch. */
  readonly takeovers: ReadonlyMap<number, number>;
}

/** A change of the table, and who made it. */
export interface RouteChange {
  /** `route.<region>`, `drain.<shard>` or `takeover.<shard>`. */
  readonly key: string;
  /** A route's regions in order; whether a shard is drained. */
  readonly value: readonly string[] | boolean;
  readonly by: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly reason: string | null;
}

/** Where the table is kept; `jetstream/` provides it. */
export interface RoutingStore {
  readonly current: Routing;
  /** @throws when the change could not be stored */
  set(change: RouteChange): Promise<void>;
  /** Goes by a change at once, and stores it as soon as that is possible. */
  note(change: RouteChange): void;
  /** The changes that are kept, newest first. @throws when they cannot be read */
  changes(): Promise<readonly RouteChange[]>;
}

export const noRouting: Routing = { routes: new Map(), drained: new Set(), takeovers: new Map() };

/**
 * The regions in the order in which a region's new work is taken: as the table says, else its own first; then all others
 * as they are configured.
 */
export function routeOf(routing: Routing, region: string, regions: readonly string[]): readonly string[] {
  const order = (routing.routes.get(region) ?? [region]).filter((name) => regions.includes(name));
  return [...order, ...regions.filter((other) => !order.includes(other))];
}
