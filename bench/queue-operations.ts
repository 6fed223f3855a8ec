import { writePost } from './http-caller.ts';
import { namespace } from './operations.ts';

/** The mutations of the priority queue as its driver sends them. */

export const queueTopic = 'items';
/** About what the peers' jobs carry. */
export const payloadBytes = 200;

const enqueueText = `mutation Enqueue($input: EnqueueInput!) {
  enqueue(input: $input) {
    ... on ItemsEnqueued { results { __typename ... on ItemEnqueued { item { id } } ... on Problem { code message } } }
    ... on Problem { code message }
  }
}`;

const dequeueText = `mutation Dequeue($input: DequeueInput!) {
  dequeue(input: $input) {
    ... on ItemsDequeued { items { item { id priority payload attempt } lease { token } } }
  }
}`;

const ackText = `mutation Ack($input: AckInput!) {
  ack(input: $input) { ... on ItemsAcked { results { __typename ... on Problem { code } } } }
}`;

export interface HeldItem {
  readonly id: string;
  readonly payload: string;
  readonly token: string;
}

/** A request that enqueues so many items with priorities of chance. */
export function prepareEnqueue(token: string, items: number, random: () => number): string {
  return writePost(
    token,
    toBody(enqueueText, {
      items: Array.from({ length: items }, () => ({
        topic: queueTopic,
        priority: Math.floor(random() * 2 ** 32) - 2 ** 31,
        payload: Buffer.alloc(payloadBytes, 'x').toString('base64'),
      })),
    }),
  );
}

/** A request that enqueues one item with this payload. */
export function prepareStamped(token: string, stamp: string): string {
  return writePost(token, toBody(enqueueText, { items: [{ topic: queueTopic, payload: btoa(stamp) }] }));
}

export function prepareDequeue(token: string, count: number, waitMs = 0): string {
  return writePost(token, toBody(dequeueText, { requests: [{ topic: queueTopic, count }], waitMs }));
}

export function prepareAck(token: string, items: readonly HeldItem[]): string {
  const leases = items.map((item) => ({ itemId: item.id, leaseToken: item.token }));
  return writePost(token, toBody(ackText, { leases }));
}

export function readItems(body: string): readonly HeldItem[] {
  const { data } = JSON.parse(body) as {
    data?: { dequeue: { items: { item: { id: string; payload: string }; lease: { token: string } }[] } };
  };
  if (data === undefined) throw new Error(`No items in ${body.slice(0, 300)}`);
  return data.dequeue.items.map(({ item, lease }) => ({ id: item.id, payload: item.payload, token: lease.token }));
}

/** How often a word stands in an answer: each result has one. */
export function countWord(body: string, word: string): number {
  return body.split(word).length - 1;
}

function toBody(query: string, input: object): string {
  return JSON.stringify({ query, variables: { input: { namespace, ...input } } });
}
