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
import type { DigestServices } from './services.ts';
import { createDigestServices } from './services.ts';

export interface DigestParts {
  /** The shard on which all requests and digests are. */
  readonly engine: { readonly shard: Shard; readonly announcer: Announcer; readonly feed: EventFeed };
  readonly mailer: Mailer;
  readonly mailSendSeconds: number;
  readonly newId: (shard: number) => string;
  readonly urlSecret: string;
  readonly publicUrl: string;
  readonly now: () => number;
  readonly observeBatch: (rows: number) => void;
  readonly log: Logger;
}

/** Puts the parts of requests and digests together: what resolvers call, and what workers run. */
export function createDigests(parts: DigestParts): {
  readonly services: DigestServices;
  readonly handlers: readonly AnyTaskHandler[];
} {
  const { shard, announcer, feed } = parts.engine;
  const { mailer, mailSendSeconds, newId, urlSecret, publicUrl, now, observeBatch, log } = parts;
  const store = new DigestStore(shard);
  const render = createRenderDigest({ store, urlSecret, publicUrl });
  const updates = new RequestUpdates(feed, shard, store, log);
  return {
    services: createDigestServices({ shard, store, render, updates, announcer, newId, now, observeBatch }),
    handlers: createDigestHandlers({
      shard,
      store,
      mailer,
      mailSendSeconds,
      render,
      eventsWritten: () => announcer.eventsWritten(),
    }),
  };
}
