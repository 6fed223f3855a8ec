import type { RegionState, ShardState } from '../../shards/routing-services.ts';
import { builder } from '../builder.ts';
import { Refused } from '../types/problems.ts';
import { RegionRef, ShardRef } from '../types/routing.ts';

interface RouteSetShape {
  readonly kind: 'RouteSet';
  readonly region: RegionState;
}

const RouteSet = builder.objectRef<RouteSetShape>('RouteSet').implement({
  fields: (t) => ({ region: t.field({ type: RegionRef, resolve: (result) => result.region }) }),
});

const SetRouteResult = builder.unionType('SetRouteResult', {
  types: [RouteSet, Refused],
  resolveType: (value) => (value as RouteSetShape).kind,
});

const SetRouteInput = builder.inputType('SetRouteInput', {
  fields: (t) => ({
    region: t.string({ required: true }),
    order: t.stringList({
      required: true,
      description: 'Regions in the order in which they take the new work of this one. Empty: itself first.',
    }),
    reason: t.string({ required: true }),
  }),
});

interface ShardDrainedShape {
  readonly kind: 'ShardDrained';
  readonly shard: ShardState;
}

const ShardDrained = builder.objectRef<ShardDrainedShape>('ShardDrained').implement({
  fields: (t) => ({ shard: t.field({ type: ShardRef, resolve: (result) => result.shard }) }),
});

const DrainShardResult = builder.unionType('DrainShardResult', {
  types: [ShardDrained, Refused],
  resolveType: (value) => (value as ShardDrainedShape).kind,
});

const DrainShardInput = builder.inputType('DrainShardInput', {
  fields: (t) => ({
    shard: t.int({ required: true }),
    drained: t.boolean({ defaultValue: true, required: true, description: 'False: it takes new work again.' }),
    reason: t.string({ required: true }),
  }),
});

const authScopes = { roles: ['operator'] as const };

builder.mutationFields((t) => ({
  setRoute: t.field({
    type: SetRouteResult,
    description:
      'Says where the new work of a region goes. Every program goes by it within a second. For operators of the whole installation.',
    authScopes,
    args: { input: t.arg({ type: SetRouteInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }): Promise<RouteSetShape> => ({
      kind: 'RouteSet',
      region: await services.setRoute(actor, input),
    }),
  }),
  drainShard: t.field({
    type: DrainShardResult,
    description:
      'Lets a shard take nothing new, or again. Every program goes by it within a second. For operators of the whole installation.',
    authScopes,
    args: { input: t.arg({ type: DrainShardInput, required: true }) },
    resolve: async (_root, { input }, { actor, services }): Promise<ShardDrainedShape> => ({
      kind: 'ShardDrained',
      shard: await services.drainShard(actor, input),
    }),
  }),
}));
