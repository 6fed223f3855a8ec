export const systems = ['cases', 'tasks', 'queue'] as const;
/** Which of the product's systems a topic belongs to; each has a stream of its own. */
export type System = (typeof systems)[number];

/** A line of items in one namespace, on one shard. */
export interface Topic {
  readonly id: number;
  readonly shard: number;
  readonly namespace: string;
  readonly system: System;
  readonly name: string;
}
