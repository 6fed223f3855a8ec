import type { EventPlace, FeedEvent } from '../domain/event.ts';
import { comparePlaces } from '../domain/event.ts';
import type { EventFeed, FeedListener } from '../events/event-feed.ts';
import type { EventRow } from '../events/event-rows.ts';
import { toFeedEvent } from '../events/event-rows.ts';
import type { Logger } from '../log.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement } from '../postgres/sql.ts';
import type { HeldCase } from './case-rows.ts';
import type { CaseStore } from './store.ts';

const readEventsUntil = loadStatement('read-events-until');
const eventsPerPage = 200;
/** Events waiting to be handed on in this process; beyond this every listener falls back to reading the rows. */
const queueEventsMax = 10_000;

/** What happened to a case, with the case as it is now. */
export interface CaseHappening {
  readonly event: FeedEvent;
  readonly held: HeldCase;
}

export interface CaseWatchFilter {
  readonly namespace: string;
  readonly topic: string | null;
  readonly caseId: string | null;
}

export interface CaseWatcher {
  readonly filter: CaseWatchFilter;
  push(happening: CaseHappening): void;
  /** Something was left out; the watcher has to read from the rows. */
  lose(): void;
}

/**
 * Hands what happens to cases on to this process's watchers: each case is read once an event, however many watch it.
 */
export class CaseUpdates implements FeedListener {
  readonly #feed: EventFeed;
  readonly #shard: Shard;
  readonly #store: CaseStore;
  readonly #log: Logger;
  /** By case, by topic, by namespace. */
  readonly #watchers = new Map<string, Set<CaseWatcher>>();
  readonly #queue: FeedEvent[] = [];
  #draining = false;
  #count = 0;

  constructor(feed: EventFeed, shard: Shard, store: CaseStore, log: Logger) {
    this.#feed = feed;
    this.#shard = shard;
    this.#store = store;
    this.#log = log;
  }

  get watcherCount(): number {
    return this.#count;
  }

  /** The place of the last event that watchers were told of, or will be before any later one. */
  get last(): EventPlace {
    return this.#feed.last;
  }

  /**
   * Adds a watcher. It hears of everything after the returned place.
   * @throws Fault `UNAVAILABLE` when the record cannot be reached
   */
  async join(watcher: CaseWatcher): Promise<EventPlace> {
    const key = keyOf(watcher.filter);
    const set = this.#watchers.get(key) ?? new Set();
    this.#watchers.set(key, set);
    set.add(watcher);
    this.#count += 1;
    try {
      return await this.#feed.join(this);
    } catch (error) {
      this.leave(watcher);
      throw error;
    }
  }

  leave(watcher: CaseWatcher): void {
    const key = keyOf(watcher.filter);
    const set = this.#watchers.get(key);
    if (set?.delete(watcher) !== true) return;
    this.#count -= 1;
    if (set.size === 0) this.#watchers.delete(key);
    if (this.#count === 0) this.#feed.leave(this);
  }

  onEvents(events: readonly FeedEvent[]): void {
    for (const event of events) {
      if (event.system !== 'cases' || !this.#isWatched(event)) continue;
      if (this.#queue.length >= queueEventsMax) {
        this.#queue.length = 0;
        this.#loseAll();
        return;
      }
      this.#queue.push(event);
    }
    if (this.#queue.length > 0 && !this.#draining) void this.#drain();
  }

  /** Reads a page of what happened after a place and up to another. */
  async replay(
    filter: CaseWatchFilter,
    after: EventPlace,
    until: EventPlace,
  ): Promise<{ happenings: readonly CaseHappening[]; complete: boolean }> {
    if (comparePlaces(after, until) >= 0) return { happenings: [], complete: true };
    const rows = await this.#shard.run<EventRow>(readEventsUntil, [
      after.position,
      after.sequence,
      until.position,
      until.sequence,
      filter.namespace,
      'cases',
      filter.topic,
      filter.caseId,
      eventsPerPage,
    ]);
    const happenings = await this.#withCases(rows.map((row) => toFeedEvent(this.#shard.number, row)));
    return { happenings, complete: rows.length < eventsPerPage };
  }

  async #drain(): Promise<void> {
    this.#draining = true;
    try {
      while (this.#queue.length > 0) {
        const events = this.#queue.splice(0, eventsPerPage);
        for (const happening of await this.#withCases(events)) {
          for (const key of keysOf(happening.event))
            for (const watcher of this.#watchers.get(key) ?? []) watcher.push(happening);
        }
      }
    } catch (error) {
      this.#log.debug({ err: error }, 'cases of live updates could not be read');
      this.#queue.length = 0;
      this.#loseAll();
    } finally {
      this.#draining = false;
    }
  }

  async #withCases(events: readonly FeedEvent[]): Promise<CaseHappening[]> {
    const cases = new Map<string, HeldCase | undefined>();
    const ids = [...new Set(events.map((event) => event.itemId))];
    const found = await Promise.all(ids.map((id) => this.#store.find(id)));
    for (const [index, id] of ids.entries()) cases.set(id, found[index]);
    return events.flatMap((event) => {
      const held = cases.get(event.itemId);
      return held === undefined ? [] : [{ event, held }]; // a case that was pruned meanwhile has nobody to tell
    });
  }

  #isWatched(event: FeedEvent): boolean {
    return keysOf(event).some((key) => this.#watchers.has(key));
  }

  #loseAll(): void {
    for (const set of this.#watchers.values()) for (const watcher of set) watcher.lose();
  }
}

function keyOf(filter: CaseWatchFilter): string {
  if (filter.caseId !== null) return `case ${filter.namespace} ${filter.caseId}`;
  if (filter.topic !== null) return `topic ${filter.namespace} ${filter.topic}`;
  return `namespace ${filter.namespace}`;
}

function keysOf(event: FeedEvent): string[] {
  return [
    `case ${event.namespace} ${event.itemId}`,
    `topic ${event.namespace} ${event.topic}`,
    `namespace ${event.namespace}`,
  ];
}
