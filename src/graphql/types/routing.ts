import type { RouteChange } from '../../shards/routing.ts';
import type { RegionState, ShardState } from '../../shards/routing-services.ts';
import { builder } from '../builder.ts';

export const ShardRef = builder.objectRef<ShardState>('Shard').implement({
  description: 'One PostgreSQL database.',
  fields: (t) => ({
    number: t.exposeInt('number', { description: 'As ids carry it.' }),
    region: t.exposeString('region', { nullable: true }),
    available: t.exposeBoolean('available', {
      description: 'Whether the gateway that answers reaches it; false while its circuit breaker is open.',
    }),
    drained: t.exposeBoolean('drained', {
      description: 'It takes nothing new. What lies there is handed out and ended as ever.',
    }),
    openItems: t.int({
      nullable: true,
      complexity: 10,
      description: 'Open items of all systems, counted up to a bound; null while it cannot be asked.',
      resolve: (shard) => shard.openItems(),
    }),
  }),
});

export const RegionRef = builder.objectRef<RegionState>('Region').implement({
  fields: (t) => ({
    name: t.exposeString('name'),
    shards: t.intList({ resolve: (region) => [...region.shards] }),
    route: t.stringList({
      description: 'Where its new work goes: the first of these that has a shard for it.',
      resolve: (region) => [...region.route],
    }),
    own: t.exposeBoolean('own', { description: 'The gateway that answers runs there.' }),
  }),
});

const RouteChangeRef = builder.objectRef<RouteChange>('RouteChange').implement({
  description: 'A change of the routing table.',
  fields: (t) => ({
    key: t.exposeString('key', { description: '`route.<region>`, `drain.<shard>` or `takeover.<shard>`.' }),
    value: t.string({ resolve: ({ value }) => (typeof value === 'boolean' ? String(value) : value.join(', ')) }),
    by: t.exposeString('by'),
    at: t.field({ type: 'DateTime', resolve: ({ at }) => new Date(at) }),
    reason: t.exposeString('reason', { nullable: true }),
  }),
});

const authScopes = { roles: ['operator'] as const };

builder.queryFields((t) => ({
  shards: t.field({
    type: [ShardRef],
    description: 'For operators of the whole installation.',
    authScopes,
    complexity: { field: 1, multiplier: 10 },
    resolve: (_root, _args, { actor, services }) => [...services.listShards(actor)],
  }),
  regions: t.field({
    type: [RegionRef],
    description: 'For operators of the whole installation.',
    authScopes,
    resolve: (_root, _args, { actor, services }) => [...services.listRegions(actor)],
  }),
  routeChanges: t.field({
    type: [RouteChangeRef],
    description: 'The last changes of the routing table, newest first. For operators of the whole installation.',
    authScopes,
    resolve: async (_root, _args, { actor, services }) => [...(await services.listRouteChanges(actor))],
  }),
}));
