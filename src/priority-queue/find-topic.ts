import { notFound } from '../domain/errors.ts';
import { parseName } from '../domain/names.ts';
import type { Topic } from '../domain/topic.ts';
import type { Topics } from '../queue/topics.ts';

/** Finds a topic of the priority queue. @throws Fault `NOT_FOUND`, `BAD_USER_INPUT` or `UNAVAILABLE` */
export async function findQueueTopic(topics: Topics, namespace: string, field: string, name: string): Promise<Topic> {
  const topic = await topics.find(namespace, 'queue', parseName(field, name));
  if (topic === undefined) throw notFound('Topic');
  return topic;
}
