import type { OrderKey } from '../domain/order.ts';
import { lowerKey } from '../domain/order.ts';
import type { Topic } from '../domain/topic.ts';

/** A ticket to be issued for an item that became available. */
export interface NewTicket {
  readonly topic: Topic;
  readonly itemId: string;
  readonly priority: number;
  /** W3C trace context of the request that opened the item. */
  readonly traceparent?: string | null;
}

/** What the engine tells the outside after a commit; all of it is a hint that the rows can replace. */
export interface Announcer {
  /** Issues tickets. Losing them is healed by the reconciler. */
  issueTickets(tickets: readonly NewTicket[]): void;
  /** Tells the other processes that an item with this key became ready. */
  itemBecameReady(topic: Topic, key: OrderKey): void;
  /** Wakes the relay: events were written. */
  eventsWritten(): void;
  acknowledge(replySubject: string): void;
  giveBack(replySubject: string): void;
  giveBackAfter(replySubject: string, delayMilliseconds: number): void;
}

export interface ReadyItem {
  readonly topic: Topic;
  readonly key: OrderKey;
}

/** Announces the best key of each topic among items that became ready together. */
export function announceReady(announcer: Announcer, items: readonly ReadyItem[]): void {
  const best = new Map<number, ReadyItem>();
  for (const item of items) {
    const known = best.get(item.topic.id);
    if (known === undefined || lowerKey(known.key, item.key) !== known.key) best.set(item.topic.id, item);
  }
  for (const { topic, key } of best.values()) announcer.itemBecameReady(topic, key);
}
