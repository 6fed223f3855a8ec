import type { Actor } from '../domain/actor.ts';
import { requireRole } from '../domain/actor.ts';
import { badInput, notFound, unavailable } from '../domain/errors.ts';
import { isId, shardOf } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { parseText } from '../domain/names.ts';
import type { Logger } from '../log.ts';
import type { ShardEngine } from '../shard-engine.ts';
import type { Placement } from './placement.ts';
import type { RouteChange, RoutingStore } from './routing.ts';
import { noRouting, routeOf } from './routing.ts';

type Asker = Actor | undefined;

export interface ShardState {
  readonly number: number;
  readonly region: string | null;
  /** Whether this process reaches it; false while its circuit breaker is open. */
  readonly available: boolean;
  /** It takes nothing new. */
  readonly drained: boolean;
  /** Of all systems; null while the shard cannot be asked. */
  readonly openItems: () => Promise<number | null>;
}

export interface RegionState {
  readonly name: string;
  readonly shards: readonly number[];
  /** Where its new work goes, in this order. */
  readonly route: readonly string[];
  /** The region of the process that answers. */
  readonly own: boolean;
}

export interface SetRouteInput {
  readonly region: string;
  /** Empty: the default, itself first. */
  readonly order: readonly string[];
  readonly reason: string;
}

export interface DrainShardInput {
  readonly shard: number;
  readonly drained: boolean;
  readonly reason: string;
}

/** What operators of the installation see and change. */
export interface RoutingServices {
  readonly listShards: (actor: Asker) => readonly ShardState[];
  readonly listRegions: (actor: Asker) => readonly RegionState[];
  readonly listRouteChanges: (actor: Asker) => Promise<readonly RouteChange[]>;
  readonly setRoute: (actor: Asker, input: SetRouteInput) => Promise<RegionState>;
  readonly drainShard: (actor: Asker, input: DrainShardInput) => Promise<ShardState>;
  /** The region of the shard that an id names; null where there are no regions. */
  readonly regionOf: (id: string) => string | null;
  /** Whether something lies in another region than the one that was asked for, or the own one. */
  readonly wasTakenOver: (id: string, askedRegion: string | null | undefined) => boolean;
}

export interface RoutingServiceDependencies {
  readonly engines: readonly ShardEngine[];
  readonly placement: Placement;
  /** Undefined with one shard alone: there is nothing to route. */
  readonly store: RoutingStore | undefined;
  readonly ownRegion: string | undefined;
  readonly regionOf: (shard: number) => string | undefined;
  readonly now: () => number;
  readonly log: Logger;
}

const countOpen = {
  name: 'count-all-open-items',
  text: `select count(*)::integer as items from (select from items limit ${limits.itemsCounted}) counted`,
};

/**
 * The verbs of routing, for operators of the whole installation (namespace `*`). Changes are kept with who made them,
 * when and why, and every process goes by them within a second.
 * @returns functions that throw Fault `FORBIDDEN`, `BAD_USER_INPUT`, `NOT_FOUND` or `UNAVAILABLE` (NATS is away)
 */
export function createRoutingServices(dependencies: RoutingServiceDependencies): RoutingServices {
  const { engines, placement, store, ownRegion, regionOf, now, log } = dependencies;
  const current = () => store?.current ?? noRouting;
  const stateOf = ({ number, shard }: ShardEngine): ShardState => ({
    number,
    region: regionOf(number) ?? null,
    available: shard.available,
    drained: current().drained.has(number),
    openItems: async () => {
      try {
        return (await shard.run<{ items: number }>(countOpen, []))[0]!.items;
      } catch (error) {
        log.debug({ err: error, shard: number }, 'open items could not be counted');
        return null;
      }
    },
  });
  const regionState = (name: string): RegionState => ({
    name,
    shards: engines.filter(({ number }) => regionOf(number) === name).map(({ number }) => number),
    route: routeOf(current(), name, placement.regions),
    own: name === ownRegion,
  });
  const change = async (actor: Actor, key: string, value: RouteChange['value'], reason: string): Promise<void> => {
    if (store === undefined) throw badInput('input', 'has nothing to route: there is one shard alone');
    const at = new Date(now()).toISOString();
    try {
      await store.set({ key, value, by: actor.subject, at, reason });
    } catch (error) {
      throw unavailable(1_000, error);
    }
    log.info({ key, value, by: actor.subject, reason }, 'the routing table was changed');
  };
  return {
    listShards: (actor) => {
      requireOperator(actor);
      return engines.map(stateOf);
    },
    listRegions: (actor) => {
      requireOperator(actor);
      return placement.regions.map(regionState);
    },
    listRouteChanges: async (actor) => {
      requireOperator(actor);
      if (store === undefined) return [];
      try {
        return (await store.changes()).slice(0, limits.pageItems);
      } catch (error) {
        throw unavailable(1_000, error);
      }
    },
    setRoute: async (maybeActor, input) => {
      const actor = requireOperator(maybeActor);
      const reason = parseReason(input.reason);
      if (!placement.regions.includes(input.region)) throw notFound('Region');
      for (const [index, name] of input.order.entries()) {
        if (!placement.regions.includes(name)) throw badInput(`input.order.${index}`, 'is not a region');
        if (input.order.indexOf(name) !== index) throw badInput(`input.order.${index}`, 'is named twice');
      }
      await change(actor, `route.${input.region}`, input.order.length === 0 ? [input.region] : input.order, reason);
      return regionState(input.region);
    },
    drainShard: async (maybeActor, input) => {
      const actor = requireOperator(maybeActor);
      const reason = parseReason(input.reason);
      const engine = engines.find(({ number }) => number === input.shard);
      if (engine === undefined) throw notFound('Shard');
      const open = engines.filter(({ number }) => number !== input.shard && !current().drained.has(number));
      if (input.drained && open.length === 0)
        throw badInput('input.shard', 'is the last one that takes new work; it cannot be drained');
      await change(actor, `drain.${input.shard}`, input.drained, reason);
      return stateOf(engine);
    },
    regionOf: (id) => (isId(id) ? (regionOf(shardOf(id)) ?? null) : null),
    wasTakenOver: (id, asked) => {
      const wanted = asked ?? ownRegion;
      const region = isId(id) ? regionOf(shardOf(id)) : undefined;
      return wanted !== undefined && region !== undefined && region !== wanted;
    },
  };
}

function requireOperator(actor: Asker): Actor {
  return requireRole(actor, '*', ['operator']);
}

function parseReason(reason: string): string {
  return parseText('input.reason', reason, { charactersMax: limits.reasonCharacters, lines: true });
}
