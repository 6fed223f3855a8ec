import type { EventPlace, FeedEvent } from '../domain/event.ts';
import { comparePlaces } from '../domain/event.ts';
import type { Logger } from '../log.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement } from '../postgres/sql.ts';
import type { EventBus, RelayedEvent } from './event-bus.ts';
import type { EventRow } from './event-rows.ts';
import { toFeedEvent } from './event-rows.ts';

const readEvents = loadStatement('read-events');
const readLastEvent = loadStatement('read-last-event');
const eventsPerRead = 500;
/** Without the stream, the database is asked this often while somebody listens. */
const pollMilliseconds = 1_000;

export interface FeedListener {
  /** Called in the feed's order, for every event after the place at which the listener joined. */
  onEvents(events: readonly FeedEvent[]): void;
}

/**
 * One shard's events as they happen, in order, without a gap or a double, for all listeners of this process. They come
 * from the event stream; each carries the place of the one before, and whatever was missed is read from the rows.
 */
export class EventFeed {
  readonly #shard: Shard;
  readonly #bus: EventBus;
  readonly #log: Logger;
  readonly #listeners = new Set<FeedListener>();
  #last: EventPlace = { position: 0, sequence: 0 };
  #starting: Promise<void> | undefined;
  #stopListening: (() => void) | undefined;
  #stopWatching: (() => void) | undefined;
  #pollTimer: NodeJS.Timeout | undefined;
  /** Where the feed begins is known; until then what comes in is only noted. */
  #started = false;
  /** Rises with each start, so that a catching up of an earlier one ends. */
  #generation = 0;
  #catchingUp = false;
  #behind = false;

  constructor(shard: Shard, bus: EventBus, log: Logger) {
    this.#shard = shard;
    this.#bus = bus;
    this.#log = log;
  }

  /** The place of the last event that was handed to the listeners. */
  get last(): EventPlace {
    return this.#last;
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }

  /**
   * Adds a listener.
   * @returns the place from which on it hears everything
   * @throws Fault `UNAVAILABLE` when the record cannot be reached
   */
  async join(listener: FeedListener): Promise<EventPlace> {
    this.#starting ??= this.#start();
    try {
      await this.#starting;
    } catch (error) {
      this.#starting = undefined;
      throw error;
    }
    this.#listeners.add(listener);
    return this.#last;
  }

  /**
   * Whether a place lies behind everything that was ever written here, as a client's does that outlived a restore of the
   * database. This process may lag behind another one, so the record is asked.
   */
  async isAhead(place: EventPlace): Promise<boolean> {
    if (comparePlaces(place, this.#last) <= 0) return false;
    const rows = await this.#shard.run<EventPlace>(readLastEvent, []);
    return comparePlaces(place, rows[0] ?? { position: 0, sequence: 0 }) > 0;
  }

  leave(listener: FeedListener): void {
    this.#listeners.delete(listener);
    if (this.#listeners.size === 0) this.stop();
  }

  stop(): void {
    this.#starting = undefined;
    this.#started = false;
    this.#generation += 1;
    this.#catchingUp = false;
    this.#behind = false;
    this.#stopListening?.();
    this.#stopWatching?.();
    clearInterval(this.#pollTimer);
    this.#stopListening = undefined;
    this.#stopWatching = undefined;
    this.#pollTimer = undefined;
  }

  async #start(): Promise<void> {
    // Listen first, then look where the record is: what comes between is seen twice rather than never.
    this.#stopListening = this.#bus.listen({
      onEvent: (relayed) => this.#take(relayed),
      onHead: (shard, head) => {
        if (shard === this.#shard.number && comparePlaces(head, this.#last) > 0) void this.#catchUp();
      },
    });
    this.#stopWatching = this.#bus.onConnectionChange(() => void this.#catchUp());
    this.#pollTimer = setInterval(() => {
      if (!this.#bus.connected) void this.#catchUp();
    }, pollMilliseconds);
    const generation = this.#generation;
    try {
      const rows = await this.#shard.run<EventPlace>(readLastEvent, []);
      if (generation !== this.#generation) return;
      const head = rows[0] ?? { position: 0, sequence: 0 };
      if (comparePlaces(head, this.#last) > 0) this.#last = head;
      this.#started = true;
      if (this.#behind) void this.#catchUp();
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  #take(relayed: RelayedEvent): void {
    const { event, previous } = relayed;
    if (event.shard !== this.#shard.number) return;
    if (this.#started && comparePlaces(event, this.#last) <= 0) return;
    if (!this.#started || comparePlaces(previous, this.#last) !== 0 || this.#catchingUp) {
      void this.#catchUp();
      return;
    }
    this.#hand([event]);
  }

  /** Reads what was missed. Runs once at a time; what comes meanwhile makes it look once more. */
  async #catchUp(): Promise<void> {
    if (!this.#started) {
      this.#behind = true; // looked after as soon as it is known where to begin
      return;
    }
    if (this.#catchingUp) {
      this.#behind = true;
      return;
    }
    this.#catchingUp = true;
    const generation = this.#generation;
    try {
      do {
        this.#behind = false;
        const rows = await this.#shard.run<EventRow>(readEvents, [
          this.#last.position,
          this.#last.sequence,
          eventsPerRead,
        ]);
        if (generation !== this.#generation) return;
        if (rows.length > 0) this.#hand(rows.map((row) => toFeedEvent(this.#shard.number, row)));
        if (rows.length === eventsPerRead) this.#behind = true;
      } while (this.#behind);
    } catch (error) {
      this.#log.debug(
        { err: error, shard: this.#shard.number },
        'the feed could not catch up; it tries again with the next event',
      );
    } finally {
      if (generation === this.#generation) this.#catchingUp = false;
    }
  }

  #hand(events: readonly FeedEvent[]): void {
    const lastEvent = events.at(-1)!;
    this.#last = { position: lastEvent.position, sequence: lastEvent.sequence };
    for (const listener of this.#listeners) listener.onEvents(events);
  }
}
