import type { FeedEvent } from '../domain/event.ts';
import type { EventFeed } from '../events/event-feed.ts';
import type { EventRow } from '../events/event-rows.ts';
import { toFeedEvent } from '../events/event-rows.ts';
import { ItemUpdates } from '../events/item-updates.ts';
import type { Logger } from '../log.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement } from '../postgres/sql.ts';
import type { HeldCase } from './case-rows.ts';
import type { CaseStore } from './store.ts';

const readEventsUntil = loadStatement('read-events-until');

export interface CaseWatchFilter {
  readonly namespace: string;
  readonly topic: string | null;
  readonly caseId: string | null;
}

/** What happens to cases, handed on to this process's watchers with each case as it is now. */
export class CaseUpdates extends ItemUpdates<HeldCase, CaseWatchFilter> {
  constructor(feed: EventFeed, shard: Shard, store: CaseStore, log: Logger) {
    super({
      feed,
      log,
      system: 'cases',
      find: store.find,
      readPage: async (filter, after, until, eventsMax) => {
        const rows = await shard.run<EventRow>(readEventsUntil, [
          after.position,
          after.sequence,
          until.position,
          until.sequence,
          filter.namespace,
          'cases',
          filter.topic,
          filter.caseId,
          eventsMax,
        ]);
        return rows.map((row) => toFeedEvent(shard.number, row));
      },
      keyOf,
      keysOfEvent: keysOf,
      keysOf: (happening) => keysOf(happening.event),
    });
  }
}

/** By case, by topic, by namespace. */
function keyOf(filter: CaseWatchFilter): string {
  if (filter.caseId !== null) return `case ${filter.namespace} ${filter.caseId}`;
  if (filter.topic !== null) return `topic ${filter.namespace} ${filter.topic}`;
  return `namespace ${filter.namespace}`;
}

function keysOf(event: FeedEvent): readonly string[] {
  return [
    `case ${event.namespace} ${event.itemId}`,
    `topic ${event.namespace} ${event.topic}`,
    `namespace ${event.namespace}`,
  ];
}
