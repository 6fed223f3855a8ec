import type { EventPlace, FeedEvent } from '../domain/event.ts';
import type { EventBus, EventListener, RelayedEvent } from '../events/event-bus.ts';
import type { Logger } from '../log.ts';
import type { NatsLink } from './connection.ts';
import { EventPublisher, listenEvents } from './events.ts';
import { eventFilter, relayHeadFilter, relayHeadSubject, relayWakeSubject } from './subjects.ts';

interface Payload extends FeedEvent {
  readonly previous: EventPlace;
}

/** The event stream, for the relay and the feed. An event's id is its place: `<shard>-<position>-<sequence>`. */
export class JetStreamEventBus implements EventBus {
  readonly #link: NatsLink;
  readonly #log: Logger;
  readonly #publisher: EventPublisher;
  readonly #listeners = new Set<EventListener>();
  #stopListening: (() => void) | undefined;

  constructor(link: NatsLink, log: Logger) {
    this.#link = link;
    this.#log = log;
    this.#publisher = new EventPublisher(link);
  }

  get connected(): boolean {
    return this.#link.connected;
  }

  async publish(events: readonly RelayedEvent[]): Promise<void> {
    await this.#publisher.publish(
      events.map(({ event, previous }) => ({
        system: event.system,
        namespace: event.namespace,
        topic: event.topic,
        id: `${event.shard}-${event.position}-${event.sequence}`,
        payload: JSON.stringify({ ...event, previous } satisfies Payload),
      })),
    );
  }

  announceHead(shard: number, head: EventPlace): void {
    this.#link.publish(
      relayHeadSubject(shard),
      JSON.stringify({ shard, position: head.position, sequence: head.sequence }),
    );
  }

  listen(listener: EventListener): () => void {
    this.#listeners.add(listener);
    this.#stopListening ??= this.#subscribe();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#stopListening?.();
      this.#stopListening = undefined;
    };
  }

  /** Once for all feeds of this process: each message is read once, however many shards there are. */
  #subscribe(): () => void {
    const events = listenEvents(this.#link, eventFilter(), (received) => {
      const payload = parse<Payload>(received.payload);
      if (
        payload === undefined ||
        typeof payload.position !== 'number' ||
        typeof payload.previous?.position !== 'number'
      ) {
        this.#log.warn({ id: received.id }, 'an event that is none of ours');
        return;
      }
      for (const listener of this.#listeners) listener.onEvent({ event: payload, previous: payload.previous });
    });
    const heads = this.#link.subscribe(relayHeadFilter(), (message) => {
      const head = parse<EventPlace & { shard: number }>(message.data);
      if (head === undefined || typeof head.position !== 'number') return;
      for (const listener of this.#listeners) listener.onHead(head.shard, head);
    });
    return () => {
      events.unsubscribe();
      heads.unsubscribe();
    };
  }

  onWake(shard: number, wake: () => void): () => void {
    const subscription = this.#link.subscribe(relayWakeSubject(shard), wake);
    return () => subscription.unsubscribe();
  }

  onConnectionChange(changed: (connected: boolean) => void): () => void {
    return this.#link.onChange(changed);
  }

  close(): void {
    this.#publisher.close();
  }
}

/** Somebody may publish anything on these subjects: what is not JSON is told apart from what is. */
function parse<Value>(bytes: Uint8Array): Value | undefined {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as Value;
  } catch {
    return undefined;
  }
}
