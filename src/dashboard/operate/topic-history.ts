import type { TopicFiguresSubscription } from '../graphql/documents.ts';

/** How topics stood while this window was open, for the charts; a quarter of an hour at a second a point. */
const pointsMax = 900;

export type TopicPoint = TopicFiguresSubscription['topicStats'];

const histories = new Map<string, readonly TopicPoint[]>();

export function readTopicHistory(namespace: string, topic: string): readonly TopicPoint[] {
  return histories.get(`${namespace}/${topic}`) ?? [];
}

export function noteTopic(namespace: string, topic: string, point: TopicPoint): void {
  histories.set(`${namespace}/${topic}`, [...readTopicHistory(namespace, topic), point].slice(-pointsMax));
}
