/** What operators set: where each region's new work goes, and which shards take none. Change it by `RoutingTable`. */
export interface Routing {
  /** Where the new work of a region goes, in this order; a region that is not named keeps the default. */
  readonly routes: ReadonlyMap<string, readonly string[]>;
  /** Shards that take nothing new; what lies there is handed out and ended as ever. */
  readonly drained: ReadonlySet<number>;
}

export const noRouting: Routing = { routes: new Map(), drained: new Set() };

/** The regions in the order in which a region's new work is taken: its own, then the others as they are configured. */
export function routeOf(routing: Routing, region: string, regions: readonly string[]): readonly string[] {
  const order = routing.routes.get(region) ?? [region];
  return [...order, ...regions.filter((other) => !order.includes(other))];
}
