import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
// By its public name, as other programs have it.
import type { DeliveredItem } from 'caseload/client';
import { CaseloadError, GiveBack, QueueClient } from 'caseload/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { QueueGateway } from '../priority-queue/queue-gateway.ts';
import { startQueueGateway } from '../priority-queue/queue-gateway.ts';
import { waitUntil } from '../support/wait-until.ts';

let queue: QueueGateway;
let producer: QueueClient;
let consumer: QueueClient;
beforeAll(async () => {
  queue = await startQueueGateway();
  producer = new QueueClient({ url: queue.url, token: queue.token('paul'), namespace: 'acme' });
  consumer = new QueueClient({ url: queue.url, token: () => queue.token('cora'), namespace: 'acme' });
});
afterAll(() => queue.stop());

describe('the client for programs', () => {
  it('enqueues, and says what became of each item', async () => {
    const results = await producer.enqueue([
      { topic: 'client', payload: 'a text', uniqueKey: 'one', metadata: { a: 1 } },
      { topic: 'client', payload: new Uint8Array([1, 2]), uniqueKey: 'one' },
      { topic: 'client', payload: '', ttlSeconds: 0 },
    ]);
    const id = results[0]?.status === 'enqueued' ? results[0].id : '';
    expect(results).toMatchObject([
      { status: 'enqueued' },
      { status: 'duplicate', id },
      { status: 'refused', code: 'BAD_USER_INPUT' },
    ]);
    const [item] = await consumer.dequeue([{ topic: 'client', count: 5 }]);
    expect(item).toMatchObject({ id, metadata: { a: 1 }, attempt: 1 });
    expect(Buffer.from(item!.payload).toString()).toBe('a text');
    expect(await consumer.ack([item!])).toEqual([true]);
    await expect(consumer.enqueue([{ topic: 'client', payload: '' }])).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  it('hands every item to the handler once, however many come, and ends them', async () => {
    const seen = new Map<string, number>();
    const consuming = consumer.consume('many', (item) => seen.set(item.id, (seen.get(item.id) ?? 0) + 1), {
      concurrency: 50,
    });
    const payload = 'x'.repeat(100);
    for (let call = 0; call < 5; call += 1)
      await producer.enqueue(Array.from({ length: 200 }, () => ({ topic: 'many', payload })));
    await waitUntil('all are handled', () => seen.size === 1_000);
    await consuming.stop();
    expect([...seen.values()].every((times) => times === 1)).toBe(true);
    const left = await queue.ask('otto', '{ topic(namespace: "acme", name: "many") { counts { depth } } }');
    expect(left.data.topic.counts.depth).toBe(0);
  });

  it('keeps the lease of a long handler alive, and gives back what fails on its own terms', async () => {
    await producer.enqueue([{ topic: 'long', payload: '1' }]);
    const seen: DeliveredItem[] = [];
    const errors: unknown[] = [];
    const handled = Promise.withResolvers<void>();
    const consuming = consumer.consume(
      ['long', 'other'],
      async (item, { signal }) => {
        seen.push(item);
        if (item.attempt === 1) throw new GiveBack('not yet', { delaySeconds: 0, metadata: { step: 1 } });
        await new Promise((resolve) => setTimeout(resolve, 2_500));
        expect(signal.aborted).toBe(false);
        handled.resolve();
      },
      { leaseSeconds: 1, onError: (error) => errors.push(error) },
    );
    await handled.promise;
    await consuming.stop();
    expect(seen).toHaveLength(2);
    expect(seen[1]).toMatchObject({ attempt: 2, metadata: { step: 1 } });
    expect(errors).toEqual([expect.any(GiveBack)]);
  });

  it('stops in order: what has not begun goes back, what runs may finish, what does not is aborted', async () => {
    await producer.enqueue(Array.from({ length: 3 }, (_, index) => ({ topic: 'stop', payload: '', priority: index })));
    const begun: DeliveredItem[] = [];
    const aborted = Promise.withResolvers<void>();
    const consuming = consumer.consume(
      'stop',
      async (item, { signal }) => {
        begun.push(item);
        if (item.priority === 0) return;
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
        aborted.resolve();
      },
      { concurrency: 1, prefetch: 2 },
    );
    await waitUntil('the second one is begun', () => begun.length === 2);
    await consuming.stop(200);
    await aborted.promise;
    const peek = await queue.ask('otto', '{ peek(namespace: "acme", topic: "stop") { priority state lastReason } }');
    expect(peek.data.peek).toEqual([
      { priority: 1, state: 'READY', lastReason: 'The consumer was stopped' },
      { priority: 2, state: 'READY', lastReason: 'The consumer was stopped' },
    ]);
  });

  it('tries again while the service is busy or breaks off, and enqueues nothing twice', async () => {
    let requests = 0;
    const busy = createServer(async (request, response) => {
      requests += 1;
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const answer = JSON.stringify({
        errors: [{ message: 'busy', extensions: { code: 'BACKPRESSURE', retryAfterMs: 10 } }],
      });
      if (requests === 1) return response.end(answer);
      const { headers } = request;
      const passed = await fetch(`${queue.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: headers.authorization! },
        body: Buffer.concat(chunks),
      });
      const body = await passed.text();
      // The second one is enqueued, and its answer lost.
      if (requests === 2) return response.destroy();
      response.end(body);
    });
    await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://127.0.0.1:${(busy.address() as AddressInfo).port}`;
      const client = new QueueClient({ url, token: queue.token('paul'), namespace: 'acme' });
      const [result] = await client.enqueue([{ topic: 'once', payload: '' }]);
      expect(result?.status).toBe('enqueued');
      expect(requests).toBe(3);
      expect(await consumer.dequeue([{ topic: 'once', count: 10 }])).toHaveLength(1);
      const wrong = new QueueClient({ url, token: 'wrong', namespace: 'acme' });
      await expect(wrong.enqueue([{ topic: 'once', payload: '' }])).rejects.toThrow(CaseloadError);
      expect(requests).toBe(4);
      const none = { url, token: process.env.TOKEN_THAT_NOBODY_SET!, namespace: 'acme' };
      expect(() => new QueueClient(none)).toThrow('token must be a text');
    } finally {
      busy.close();
    }
  });
});
