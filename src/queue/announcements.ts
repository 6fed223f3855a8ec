import type { OrderKey } from '../domain/order.ts';
import { firstKey, lowerKey } from '../domain/order.ts';
import type { Topic } from '../domain/topic.ts';
import type { Logger } from '../log.ts';
import type { Topics } from './topics.ts';

/** A ticket to be issued for an item that became available. */
export interface NewTicket {
  readonly topic: Topic;
  readonly itemId: string;
  readonly priority: number;
  /** In the priority queue: how many items it calls for, one when it is left out. */
  readonly items?: number;
  /** W3C trace context of the request that opened the item. */
  readonly traceparent?: string | null;
}

/** What the engine tells the outside after a commit; all of it is a hint that the rows can replace. */
export interface Announcer {
  /** Issues tickets; in the priority queue one for all items of a topic. Losing them is healed by the reconciler. */
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

/**
 * Items of the priority queue that became ready together get one ticket for their topic, which calls for all of them and
 * names one; of the other systems each has its own.
 */
export function callTogether(tickets: readonly NewTicket[]): readonly NewTicket[] {
  const calls = new Map<Topic, NewTicket>();
  const others: NewTicket[] = [];
  for (const ticket of tickets) {
    if (ticket.topic.system !== 'queue') {
      others.push(ticket);
      continue;
    }
    const call = calls.get(ticket.topic);
    calls.set(ticket.topic, { ...(call ?? ticket), items: (call?.items ?? 0) + (ticket.items ?? 1) });
  }
  return calls.size === 0 ? tickets : others.concat([...calls.values()]);
}

/** Calls for items of a topic that became ready again, when it is not known which they are. */
export function announceReturned(announcer: Announcer, topic: Topic, items: number): void {
  announcer.itemBecameReady(topic, firstKey);
  announcer.issueTickets([{ topic, itemId: firstKey.id, priority: firstKey.priority, items }]);
}

/** The same for items that went to a topic of dead letters, of which only the id is known. */
export async function announceDied(
  { topics, announcer }: { readonly topics: Topics; readonly announcer: Announcer },
  topicId: number,
  items: number,
  log: Logger,
): Promise<void> {
  announcer.eventsWritten();
  try {
    const topic = (await topics.byIds([topicId])).get(topicId);
    if (topic !== undefined) announceReturned(announcer, topic, items);
  } catch (error) {
    log.debug({ err: error, topicId }, 'dead letters were not announced; the reconciler will');
  }
}
