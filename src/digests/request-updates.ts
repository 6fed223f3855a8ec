import type { RequestRecord } from '../domain/digest.ts';
import type { EventFeed } from '../events/event-feed.ts';
import type { EventRow } from '../events/event-rows.ts';
import { toFeedEvent } from '../events/event-rows.ts';
import { ItemUpdates } from '../events/item-updates.ts';
import type { Logger } from '../log.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement } from '../postgres/sql.ts';
import type { DigestStore } from './digest-store.ts';

const readEventsUntil = loadStatement('read-events-until');
/** The topic of what happens to requests. */
export const requestTopic = 'requests';

export interface RequestWatchFilter {
  readonly namespace: string;
  readonly requestId: string | null;
}

/** What happens to requests, handed on to this process's watchers with each request as it is now. */
export class RequestUpdates extends ItemUpdates<RequestRecord, RequestWatchFilter> {
  constructor(feed: EventFeed, shard: Shard, store: DigestStore, log: Logger) {
    super({
      feed,
      log,
      system: 'digests',
      find: (id) => store.findRequest(id),
      readPage: async (filter, after, until, eventsMax) => {
        const rows = await shard.run<EventRow>(readEventsUntil, [
          after.position,
          after.sequence,
          until.position,
          until.sequence,
          filter.namespace,
          'digests',
          requestTopic,
          filter.requestId,
          eventsMax,
        ]);
        return rows.map((row) => toFeedEvent(shard.number, row));
      },
      keyOf: ({ namespace, requestId }) =>
        requestId === null ? `namespace ${namespace}` : `request ${namespace} ${requestId}`,
      keysOfEvent: (event) =>
        event.topic === requestTopic
          ? [`namespace ${event.namespace}`, `request ${event.namespace} ${event.itemId}`]
          : [],
      keysOf: ({ event }) => [`namespace ${event.namespace}`, `request ${event.namespace} ${event.itemId}`],
    });
  }
}
