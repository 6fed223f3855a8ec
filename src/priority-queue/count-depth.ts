import { askShards } from '../shards/merge-pages.ts';
import type { DequeueShard } from './dequeue.ts';
import { createCountTopic } from './list-topics.ts';
import type { QueueSettings } from './settings.ts';

/** What counting needs of a shard. */
export interface DepthShard extends Pick<DequeueShard, 'number' | 'shard' | 'topics'> {
  readonly queueSettings: QueueSettings;
}

/** How many items are open, on all shards that can be asked. Each throws Fault `UNAVAILABLE` when none can. */
export interface CountDepth {
  readonly ofTopic: (namespace: string, name: string) => Promise<number>;
  readonly ofNamespace: (namespace: string) => Promise<number>;
}

export function createCountDepth(shards: readonly DepthShard[]): CountDepth {
  const parts = shards.map((part) => ({ ...part, number: part.number, count: createCountTopic(part.shard) }));
  return {
    ofTopic: async (namespace, name) => {
      const { values } = await askShards(parts, async ({ topics, count }) => {
        const topic = topics.known(namespace, 'queue', name) ?? (await topics.find(namespace, 'queue', name));
        return topic === undefined ? 0 : (await count(topic.id)).depth;
      });
      return sum(values);
    },
    ofNamespace: async (namespace) => {
      const { values } = await askShards(parts, async ({ queueSettings, count }) => {
        const topics = await queueSettings.list(namespace, null);
        return sum(await Promise.all(topics.map(async ({ id }) => (await count(id)).depth)));
      });
      return sum(values);
    },
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
