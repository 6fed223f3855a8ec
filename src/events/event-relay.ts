import type { PoolClient } from 'pg';
import { crashPoint } from '../crash-point.ts';
import type { EventPlace } from '../domain/event.ts';
import { comparePlaces } from '../domain/event.ts';
import type { Service } from '../lifecycle.ts';
import type { Logger } from '../log.ts';
import { leadWhile } from '../postgres/leadership.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement } from '../postgres/sql.ts';
import type { EventBus, RelayedEvent } from './event-bus.ts';
import type { EventRow } from './event-rows.ts';
import { toFeedEvent } from './event-rows.ts';

const readEvents = loadStatement('read-events');
const eventsPerRound = 500;
/** Looked at this often without being woken. */
const idleMilliseconds = 1_000;
/** After a wake that brought nothing: an older transaction may still be running, so look again soon. */
const wakeRetryMilliseconds = [2, 5, 10, 20, 50, 100] as const;
const headMilliseconds = 2_000;
const retryMilliseconds = 500;
/** In a steady stream of events a round takes what came in this time; the first after a rest goes out at once. */
const gatherMilliseconds = 10;

/**
 * Publishes one shard's events to the event stream, in order, each at least once. Any number of relays may run: an
 * advisory lock lets one work. Events are read up to the oldest running transaction only, so none can appear later
 * before one that was published already.
 */
export class EventRelay implements Service {
  readonly name: string;
  readonly #shard: Shard;
  readonly #bus: EventBus;
  readonly #log: Logger;
  readonly #stopping = new AbortController();
  #woken = false;
  #wake: (() => void) | undefined;
  #loop: Promise<void> | undefined;
  #unsubscribe: (() => void) | undefined;
  /** Events relayed since the start, and the age of the last one when it was published, for the metrics. */
  relayed = 0;
  lagMilliseconds = 0;

  constructor(shard: Shard, bus: EventBus, log: Logger) {
    this.name = `event relay of shard ${shard.number}`;
    this.#shard = shard;
    this.#bus = bus;
    this.#log = log;
  }

  async start(): Promise<void> {
    this.#unsubscribe = this.#bus.onWake(this.#shard.number, () => {
      this.#woken = true;
      this.#wake?.();
    });
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#unsubscribe?.();
    this.#wake?.();
    await this.#loop;
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#relayWhileLeading();
      } catch (error) {
        this.#log.debug({ err: error, shard: this.#shard.number }, 'event relay interrupted');
      }
      // Not ended by a wake: while another relay leads, or the database is gone, every event would be a new attempt.
      await this.#rest();
    }
  }

  async #relayWhileLeading(): Promise<void> {
    await leadWhile(this.#shard, 'caseload event relay', async (client) => {
      // A lost place only makes events be published twice, and their ids let the stream drop the second.
      // The statement is planned once, at first while there are hardly any events: not for reading all of them each time.
      await client.query('set synchronous_commit = off; set enable_seqscan = off; set enable_bitmapscan = off');
      await this.#relayLoop(client);
      await client.query('reset synchronous_commit; reset enable_seqscan; reset enable_bitmapscan');
    });
  }

  async #relayLoop(client: PoolClient): Promise<void> {
    const stored = await client.query<EventPlace>(
      'select position::float8 as position, sequence::float8 as sequence from event_relay',
    );
    let place: EventPlace = stored.rows[0] ?? { position: 0, sequence: 0 };
    let headAt = 0;
    let emptyRounds = 0;
    while (!this.#stopping.signal.aborted) {
      if (!this.#bus.connected) {
        await this.#rest();
        continue;
      }
      this.#woken = false;
      const next = await this.#relayRound(client, place);
      if (comparePlaces(next, place) > 0) {
        place = next;
        emptyRounds = 0;
        // A round costs the same for one event as for many: what comes in the next moment goes together.
        await this.#rest(gatherMilliseconds);
        continue;
      }
      const now = performance.now();
      if (now - headAt >= headMilliseconds) {
        headAt = now;
        this.#bus.announceHead(this.#shard.number, place);
      }
      if (this.#woken) continue;
      const retry = emptyRounds < wakeRetryMilliseconds.length ? wakeRetryMilliseconds[emptyRounds]! : idleMilliseconds;
      emptyRounds += 1;
      if (await this.#pause(retry)) emptyRounds = 0;
    }
  }

  async #relayRound(client: PoolClient, place: EventPlace): Promise<EventPlace> {
    const result = await client.query<EventRow>({
      ...readEvents,
      values: [place.position, place.sequence, eventsPerRound],
    });
    if (result.rows.length === 0) return place;
    let previous = place;
    const events: RelayedEvent[] = result.rows.map((row) => {
      const event = toFeedEvent(this.#shard.number, row);
      const relayed = { event, previous };
      previous = { position: event.position, sequence: event.sequence };
      return relayed;
    });
    await this.#bus.publish(events);
    crashPoint('relay_after_publish');
    await client.query({
      name: 'advance-relay',
      text: 'update event_relay set position = $1, sequence = $2',
      values: [previous.position, previous.sequence],
    });
    this.relayed += events.length;
    this.lagMilliseconds = Date.now() - Date.parse(events.at(-1)!.event.at);
    return previous;
  }

  /** Waits a moment, whatever happens but a stop. */
  async #rest(milliseconds: number = retryMilliseconds): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#stopping.signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      this.#stopping.signal.addEventListener('abort', done, { once: true });
    });
  }

  /** Waits, at most so long. @returns whether it was woken */
  async #pause(milliseconds: number): Promise<boolean> {
    if (this.#woken) return true;
    return new Promise((resolve) => {
      const timer = setTimeout(() => done(false), milliseconds);
      const done = (woken: boolean): void => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve(woken);
      };
      this.#wake = () => done(true);
    });
  }
}
