import type { TopicPartsFragment } from '../graphql/documents.ts';

/** How the topics stood while this window was open, for the charts; half an hour at two seconds a point. */
const pointsMax = 900;

export interface TopicPoint {
  /** Seconds since the epoch. */
  readonly at: number;
  readonly ready: number;
  readonly leased: number;
  readonly delayed: number;
  readonly dead: number;
}

const histories = new Map<string, readonly TopicPoint[]>();

export function readTopicHistory(namespace: string, topic: string): readonly TopicPoint[] {
  return histories.get(`${namespace}/${topic}`) ?? [];
}

export function noteTopics(namespace: string, topics: readonly TopicPartsFragment[]): void {
  const at = Date.now() / 1_000;
  for (const { name, counts } of topics) {
    const { ready, leased, delayed, dead } = counts;
    const points = [...readTopicHistory(namespace, name), { at, ready, leased, delayed, dead }];
    histories.set(`${namespace}/${name}`, points.slice(-pointsMax));
  }
}
