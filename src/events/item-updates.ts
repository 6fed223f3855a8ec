import type { EventPlace, FeedEvent } from '../domain/event.ts';
import { comparePlaces } from '../domain/event.ts';
import type { System } from '../domain/topic.ts';
import type { Logger } from '../log.ts';
import type { EventFeed, FeedListener } from './event-feed.ts';

const eventsPerPage = 200;
/** Events waiting to be handed on in this process; beyond this every listener falls back to reading the rows. */
const queueEventsMax = 10_000;

/** What happened to an item, with what it stands for as it is now. */
export interface Happening<Subject> {
  readonly event: FeedEvent;
  readonly subject: Subject;
}

export interface Watcher<Subject, Filter> {
  readonly filter: Filter;
  push(happening: Happening<Subject>): void;
  /** Something was left out; the watcher has to read from the rows. */
  lose(): void;
}

export interface ItemUpdatesOptions<Subject, Filter> {
  readonly feed: EventFeed;
  readonly log: Logger;
  readonly system: System;
  /** What an item stands for; undefined when it was pruned meanwhile. */
  readonly find: (itemId: string) => Promise<Subject | undefined>;
  /** Events after a place and up to another that the filter lets pass, in order, at most so many. */
  readonly readPage: (
    filter: Filter,
    after: EventPlace,
    until: EventPlace,
    eventsMax: number,
  ) => Promise<readonly FeedEvent[]>;
  /** Under which key a watcher waits. */
  readonly keyOf: (filter: Filter) => string;
  /** The keys under which watchers wait for such an event; undefined when only the subject tells. */
  readonly keysOfEvent: (event: FeedEvent) => readonly string[] | undefined;
  readonly keysOf: (happening: Happening<Subject>) => readonly string[];
}

/**
 * Hands what happens to one system's items on to this process's watchers: each item is read once an event, however
 * many watch it.
 */
export class ItemUpdates<Subject, Filter extends { readonly namespace: string }> implements FeedListener {
  readonly #options: ItemUpdatesOptions<Subject, Filter>;
  readonly #watchers = new Map<string, Set<Watcher<Subject, Filter>>>();
  readonly #watchersByNamespace = new Map<string, number>();
  readonly #queue: FeedEvent[] = [];
  #draining = false;
  #count = 0;

  constructor(options: ItemUpdatesOptions<Subject, Filter>) {
    this.#options = options;
  }

  get watcherCount(): number {
    return this.#count;
  }

  /** The place of the last event that watchers were told of, or will be before any later one. */
  get last(): EventPlace {
    return this.#options.feed.last;
  }

  /** Whether nothing so late has happened yet: no cursor of this installation as it is now can name it. */
  isAhead(place: EventPlace): Promise<boolean> {
    return this.#options.feed.isAhead(place);
  }

  /**
   * Adds a watcher. It hears of everything after the returned place.
   * @throws Fault `UNAVAILABLE` when the record cannot be reached
   */
  async join(watcher: Watcher<Subject, Filter>): Promise<EventPlace> {
    const key = this.#options.keyOf(watcher.filter);
    const set = this.#watchers.get(key) ?? new Set();
    this.#watchers.set(key, set);
    set.add(watcher);
    this.#countWatcher(watcher.filter.namespace, 1);
    try {
      return await this.#options.feed.join(this);
    } catch (error) {
      this.leave(watcher);
      throw error;
    }
  }

  leave(watcher: Watcher<Subject, Filter>): void {
    const key = this.#options.keyOf(watcher.filter);
    const set = this.#watchers.get(key);
    if (set?.delete(watcher) !== true) return;
    if (set.size === 0) this.#watchers.delete(key);
    this.#countWatcher(watcher.filter.namespace, -1);
    if (this.#count === 0) this.#options.feed.leave(this);
  }

  onEvents(events: readonly FeedEvent[]): void {
    for (const event of events) {
      if (event.system !== this.#options.system || !this.#isWatched(event)) continue;
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
    filter: Filter,
    after: EventPlace,
    until: EventPlace,
  ): Promise<{ happenings: readonly Happening<Subject>[]; complete: boolean }> {
    if (comparePlaces(after, until) >= 0) return { happenings: [], complete: true };
    const events = await this.#options.readPage(filter, after, until, eventsPerPage);
    return { happenings: await this.#withSubjects(events), complete: events.length < eventsPerPage };
  }

  async #drain(): Promise<void> {
    this.#draining = true;
    try {
      while (this.#queue.length > 0) {
        const events = this.#queue.splice(0, eventsPerPage);
        for (const happening of await this.#withSubjects(events)) {
          for (const key of this.#options.keysOf(happening))
            for (const watcher of this.#watchers.get(key) ?? []) watcher.push(happening);
        }
      }
    } catch (error) {
      this.#options.log.debug({ err: error }, 'items of live updates could not be read');
      this.#queue.length = 0;
      this.#loseAll();
    } finally {
      this.#draining = false;
    }
  }

  async #withSubjects(events: readonly FeedEvent[]): Promise<Happening<Subject>[]> {
    const subjects = new Map<string, Subject | undefined>();
    const ids = [...new Set(events.map((event) => event.itemId))];
    const found = await Promise.all(ids.map((id) => this.#options.find(id)));
    for (const [index, id] of ids.entries()) subjects.set(id, found[index]);
    return events.flatMap((event) => {
      const subject = subjects.get(event.itemId);
      return subject === undefined ? [] : [{ event, subject }]; // one that was pruned meanwhile has nobody to tell
    });
  }

  #isWatched(event: FeedEvent): boolean {
    const keys = this.#options.keysOfEvent(event);
    if (keys === undefined) return this.#watchersByNamespace.has(event.namespace);
    return keys.some((key) => this.#watchers.has(key));
  }

  #countWatcher(namespace: string, difference: 1 | -1): void {
    this.#count += difference;
    const count = (this.#watchersByNamespace.get(namespace) ?? 0) + difference;
    if (count === 0) this.#watchersByNamespace.delete(namespace);
    else this.#watchersByNamespace.set(namespace, count);
  }

  #loseAll(): void {
    for (const set of this.#watchers.values()) for (const watcher of set) watcher.lose();
  }
}
