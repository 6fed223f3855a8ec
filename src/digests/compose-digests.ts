import { shardOf } from '../domain/ids.ts';
import type { EventFeed } from '../events/event-feed.ts';
import type { Logger } from '../log.ts';
import type { Mailer } from '../mail/mailer.ts';
import type { Shard } from '../postgres/shard.ts';
import type { Announcer } from '../queue/announcements.ts';
import type { AnyTaskHandler } from '../tasks/task-handler.ts';
import { DigestStore } from './digest-store.ts';
import { createDigestHandlers } from './handlers/registry.ts';
import { createRenderDigest } from './render-digest.ts';
import { RequestUpdates } from './request-updates.ts';
import type { RespondDependencies } from './respond.ts';
import type { ShardDigestServices } from './services.ts';
import { createShardDigestServices } from './services.ts';
import type { RecipientServices } from './upsert-provider.ts';
import { createUpsertCustomer, createUpsertProvider } from './upsert-provider.ts';
import type { WatchServices } from './watch-requests.ts';
import { createWatchRequests } from './watch-requests.ts';

export interface DigestParts {
  /** One a shard. */
  readonly engines: readonly {
    readonly number: number;
    readonly shard: Shard;
    readonly announcer: Announcer;
    readonly feed: EventFeed;
  }[];
  readonly mailer: Mailer;
  readonly mailSendSeconds: number;
  readonly newId: (shard: number) => string;
  readonly urlSecret: string;
  readonly publicUrl: string;
  readonly now: () => number;
  readonly observeBatch: (rows: number) => void;
  readonly log: Logger;
}

export interface Digests {
  /** The verbs of each shard, in the order of their numbers. */
  readonly shards: readonly { readonly number: number; readonly services: ShardDigestServices }[];
  readonly handlers: readonly AnyTaskHandler[];
  /** What answers the requests of a digest, by its id; undefined when it names no shard. */
  readonly responderOf: (digestId: string) => RespondDependencies | undefined;
  readonly watches: WatchServices;
  /** @param settle the shard on which a namespace has its providers and customers */
  readonly recipients: (settle: (namespace: string) => Promise<number>) => RecipientServices;
}

/** Puts the parts of requests and digests together: what resolvers call, and what workers run. */
export function createDigests(options: DigestParts): Digests {
  const { mailer, mailSendSeconds, newId, urlSecret, publicUrl, now, observeBatch, log } = options;
  const parts = options.engines.map(({ number, shard, announcer, feed }) => {
    const store = new DigestStore(shard);
    const render = createRenderDigest({ store, urlSecret, publicUrl });
    const updates = new RequestUpdates(feed, shard, store, log);
    return { number, shard, store, render, updates, announcer, eventsWritten: () => announcer.eventsWritten() };
  });
  const byNumber = new Map(parts.map((part) => [part.number, part]));
  return {
    shards: parts.map((part) => ({
      number: part.number,
      services: createShardDigestServices({ ...part, newId, now, observeBatch }),
    })),
    // A task lies with its digest.
    handlers: createDigestHandlers({ at: (taskId) => byNumber.get(shardOf(taskId))!, mailer, mailSendSeconds }),
    responderOf: (digestId) => byNumber.get(shardOf(digestId)),
    watches: {
      watchRequests: createWatchRequests({
        sources: parts.map(({ number, updates }) => ({ shard: number, updates })),
        storeOf: (requestId) => byNumber.get(shardOf(requestId))?.store,
        now,
      }),
    },
    recipients: (settle) => {
      const home = async (namespace: string) => byNumber.get(await settle(namespace))!;
      return {
        upsertProvider: createUpsertProvider({ home, newId }),
        upsertCustomer: createUpsertCustomer({ home, newId }),
      };
    },
  };
}
