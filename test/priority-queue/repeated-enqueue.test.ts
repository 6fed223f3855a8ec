import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EnqueueResult } from '../../src/priority-queue/enqueue.ts';
import type { TestEngine } from '../support/engine.ts';
import { actor, startEngine } from '../support/engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());

const services = () => engine.foundation.services;
const producer = actor('pete', 'producer');
const operator = actor('olga', 'supervisor');

function outcomes(result: EnqueueResult): string[] {
  if (result.kind !== 'enqueued') throw new Error(result.kind);
  return result.results.map((one) => (one.kind === 'enqueued' ? one.item.id : one.kind));
}

describe('an enqueue that is sent again under its key', () => {
  it.each([
    ['is full now', 2],
    ['has room for a part of it now', 3],
  ])('gets the first answer from a topic that %s', async (_, maxDepth) => {
    const topic = `depth-${maxDepth}`;
    await services().upsertTopic(operator, { namespace: 'acme', name: topic, maxDepth });
    const items = [1, 2].map(() => ({ topic, payload: Buffer.from('x') }));
    const call = { namespace: 'acme', idempotencyKey: topic, items };
    const first = outcomes(await services().enqueue(producer, call));
    expect(first).not.toContain('refused');
    expect(outcomes(await services().enqueue(producer, call))).toEqual(first);
    expect(outcomes(await services().enqueue(producer, { ...call, idempotencyKey: `${topic}-other` }))).toContain(
      'refused',
    );
    expect(await services().enqueue(producer, { ...call, items: items.slice(1) })).toEqual({
      kind: 'idempotencyConflict',
    });
  });

  it('gets the first answer when the topic takes no such payload any more', async () => {
    const topic = 'shrunk';
    await services().upsertTopic(operator, { namespace: 'acme', name: topic, payloadBytesMax: 100 });
    const call = { namespace: 'acme', idempotencyKey: topic, items: [{ topic, payload: Buffer.alloc(50) }] };
    const first = outcomes(await services().enqueue(producer, call));
    await services().upsertTopic(operator, { namespace: 'acme', name: topic, payloadBytesMax: 10 });
    expect(outcomes(await services().enqueue(producer, call))).toEqual(first);
  });
});
