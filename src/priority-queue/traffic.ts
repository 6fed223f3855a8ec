export const trafficKinds = ['enqueued', 'delivered', 'acked', 'nacked'] as const;
export type TrafficKind = (typeof trafficKinds)[number];
export type TrafficCounts = Readonly<Record<TrafficKind, number>>;

/** A topic on whatever shards. */
export interface NamedTopic {
  readonly namespace: string;
  readonly name: string;
}

/** How many items pass. Processes tell each other every second; what is lost on the way is missing in a rate. */
export interface QueueTraffic {
  /** Of this process since its start, for the metrics. */
  readonly totals: TrafficCounts;
  count(topic: NamedTopic, kind: TrafficKind, items: number): void;
  /**
   * Hears of what passes in every process. @param topic with the name `*`: all of the namespace, of other processes only
   * @param onCounts whether it is this process's own, too @returns a function that ends it
   */
  listen(topic: NamedTopic, onCounts: (counts: TrafficCounts, isOwn: boolean) => void): () => void;
}
