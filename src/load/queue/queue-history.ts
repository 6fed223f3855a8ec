import type { Disturbance, Outcome } from '../history.ts';

/** One batch of items and what its producer was told. Sent again, it is an entry of its own under the same key. */
export interface ToldEnqueue {
  readonly client: string;
  readonly key: string;
  readonly outcome: Outcome;
  /** Of each item in order, its id; null where it was refused. Empty when there was no answer. */
  readonly itemIds: readonly (string | null)[];
  /** By the driver's clock, in milliseconds since the epoch; so are all times here. */
  readonly startedMs: number;
  readonly endedMs: number;
}

/** An item as its consumer got it. */
export interface ToldDelivery {
  readonly itemId: string;
  readonly attempt: number;
  readonly token: string;
}

/** One request for items and what came. */
export interface ToldDequeue {
  readonly client: string;
  readonly outcome: Outcome;
  readonly deliveries: readonly ToldDelivery[];
  readonly startedMs: number;
  readonly endedMs: number;
}

/** What a consumer did under a lease, and whether it was told that it counted. */
export interface ToldAct {
  readonly client: string;
  readonly verb: 'ack' | 'nack' | 'extend';
  /** `fail`: the lease was lost. */
  readonly outcome: Outcome;
  readonly itemId: string;
  readonly token: string;
  readonly startedMs: number;
  readonly endedMs: number;
}

/** Everything that the producers and consumers of one run were told. A million items make some three million entries. */
export class QueueHistory {
  readonly enqueues: ToldEnqueue[] = [];
  readonly dequeues: ToldDequeue[] = [];
  readonly acts: ToldAct[] = [];
  /** Items whose handler has returned without an error. */
  readonly handled = new Set<string>();
  readonly disturbances: Disturbance[] = [];
}
