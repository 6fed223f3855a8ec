export const systems = ['cases', 'tasks', 'queue'] as const;
/** Which of the product's systems a topic belongs to. Each has a stream of tickets, but digests: their items are tasks. */
export type System = (typeof systems)[number] | 'digests';

/** A line of items in one namespace, on one shard. */
export interface Topic {
  readonly id: number;
  readonly shard: number;
  readonly namespace: string;
  readonly system: System;
  readonly name: string;
}
