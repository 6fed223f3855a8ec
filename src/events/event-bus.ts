import type { EventPlace, FeedEvent } from '../domain/event.ts';

/** An event on its way, with the place of the one before it: who missed something notices. */
export interface RelayedEvent {
  readonly event: FeedEvent;
  readonly previous: EventPlace;
}

export interface EventListener {
  onEvent(event: RelayedEvent): void;
  onHead(shard: number, head: EventPlace): void;
}

/** What the relay and the feed need of the event stream; `jetstream/` provides it. */
export interface EventBus {
  readonly connected: boolean;
  /** Resolves when all are stored, in order. An event that is stored already counts as stored. */
  publish(events: readonly RelayedEvent[]): Promise<void>;
  /** Tells the place of the last published event, so that listeners notice when they missed the last ones. */
  announceHead(shard: number, head: EventPlace): void;
  listen(listener: EventListener): () => void;
  /** Calls back when events were written on the shard. */
  onWake(shard: number, wake: () => void): () => void;
  onConnectionChange(changed: (connected: boolean) => void): () => void;
}
