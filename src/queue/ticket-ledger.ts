import type { System, Topic } from '../domain/topic.ts';
import type { NewTicket } from './announcements.ts';

/** How many tickets each topic of a system has in its stream, and since when that stream exists. */
export interface TicketStock {
  readonly streamCreatedAt: Date;
  /** By `<namespace>/<topic>`. */
  readonly tickets: ReadonlyMap<string, number>;
}

/** What the reconciler needs of the ticket streams; `jetstream/` provides it. */
export interface TicketLedger {
  readonly connected: boolean;
  /** Makes streams that are missing; those that exist stay as they are. @returns whether any was missing */
  restoreStreams(): Promise<boolean>;
  readStock(system: System): Promise<TicketStock>;
  ensureConsumer(topic: Topic): Promise<void>;
  issue(tickets: readonly NewTicket[]): Promise<void>;
  /**
   * Tells all processes that so many items of a topic lie ready. Tickets may be lost, or out with a process that died or
   * froze; whoever waits for one then looks at the rows.
   */
  tellReady(topic: Topic, items: number): void;
  /** Takes waiting tickets away; held ones stay. @returns how many */
  removeSurplus(topic: Topic, count: number): Promise<number>;
}
