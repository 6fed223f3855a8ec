/** A ticket in hand: the right to work on the best item of its topic. */
export interface TicketInHand {
  /** Where acks go; any process may send them. */
  readonly replySubject: string;
  readonly streamSequence: number;
  /** 1 for the first delivery; more when a lease may have ended. */
  readonly deliveryCount: number;
  /** How many items a call of the priority queue tells of; other tickets are one item's. */
  readonly items?: number | undefined;
}

/** One way of asking for one topic's tickets. `outstanding` counts those asked for, not yet delivered or refused. */
export interface TicketPuller {
  readonly outstanding: number;
  pull(
    request: { readonly batch: number; readonly noWait: true } | { readonly batch: number; readonly expiresMs: number },
  ): void;
  close(): void;
}

export interface TicketPullerEvents {
  onTicket(ticket: TicketInHand): void;
  /** A pull ended with that many tickets undelivered, or all were forgotten when the connection went. */
  onPullEnded(unfilled: number): void;
}

/** What the engine needs of the ticket transport; `jetstream/` provides it. */
export interface TicketLine {
  readonly connected: boolean;
  openPuller(events: TicketPullerEvents): TicketPuller;
  acknowledge(replySubject: string): void;
  /** Frees the ticket at once. */
  giveBack(replySubject: string): void;
  /** Sets the ticket's own timer: it comes back after that time. */
  giveBackAfter(replySubject: string, delayMilliseconds: number): void;
}
