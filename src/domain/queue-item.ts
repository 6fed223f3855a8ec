/** How an item of the priority queue stands. The last three have left the queue; only their history tells of them. */
export const queueItemStates = ['DELAYED', 'READY', 'LEASED', 'DEAD', 'ACKED', 'EXPIRED', 'PURGED'] as const;
export type QueueItemState = (typeof queueItemStates)[number];

/** Why an item is not delivered now. */
export const queueItemBlocks = ['DELAYED', 'LEASED', 'PAUSED', 'IN_FLIGHT_LIMIT', 'EXPIRED'] as const;
export type QueueItemBlock = (typeof queueItemBlocks)[number];

export const queueItemEventTypes = [
  'ENQUEUED',
  'CLAIMED',
  'ACKED',
  'NACKED',
  'LEASE_EXTENDED',
  'LEASE_EXPIRED',
  'UPDATED',
  'EXPIRED',
  'DEAD_LETTERED',
  'REDRIVEN',
  'PURGED',
] as const;
export type QueueItemEventType = (typeof queueItemEventTypes)[number];

/** An item of the priority queue as its row tells. What a row that is gone told is null. */
export interface QueueItem {
  readonly id: string;
  readonly namespace: string;
  readonly topic: string;
  readonly state: QueueItemState;
  readonly priority: number | null;
  /** With the topic's ageing in it: what the order goes by. */
  readonly effectivePriority: number | null;
  readonly payload: Uint8Array | null;
  readonly metadata: unknown;
  readonly deliverAfter: Date | null;
  /** Deliveries that count against the topic's attempts. */
  readonly attempt: number | null;
  readonly maxAttempts: number | null;
  readonly uniqueKey: string | null;
  readonly enqueuedAt: Date | null;
  readonly enqueuedBy: string | null;
  readonly expiresAt: Date | null;
  readonly leasedBy: string | null;
  readonly leaseExpiresAt: Date | null;
  readonly blockedBy: QueueItemBlock | null;
  readonly lastReason: string | null;
  /** Where a dead letter comes from. */
  readonly originTopic: string | null;
  readonly diedAt: Date | null;
}

/** The settings of a topic of the priority queue. */
export interface QueueTopic {
  readonly id: number;
  readonly namespace: string;
  readonly name: string;
  readonly leaseSeconds: number;
  /** 0: any number. */
  readonly maxAttempts: number;
  readonly ttlSeconds: number | null;
  readonly payloadBytesMax: number;
  readonly maxDepth: number | null;
  readonly maxInFlight: number | null;
  readonly enqueuesPerSecond: number | null;
  readonly ageingSeconds: number | null;
  readonly backoff: QueueBackoff | null;
  readonly deadLetterTopic: string | null;
  readonly shards: number;
  readonly history: boolean;
  readonly pause: {
    readonly since: Date;
    readonly until: Date | null;
    readonly by: string | null;
    readonly reason: string | null;
  } | null;
  readonly createdAt: Date;
  /** Of all topics of the namespace together. */
  readonly namespaceLimits: QueueLimits;
}

/** Null: none. */
export interface QueueLimits {
  readonly maxDepth: number | null;
  readonly maxInFlight: number | null;
  readonly enqueuesPerSecond: number | null;
}

/** How long a nack without a delay of its own delays: longer with each attempt, up to a cap. */
export interface QueueBackoff {
  readonly firstSeconds: number;
  readonly factor: number;
  readonly capSeconds: number;
}
