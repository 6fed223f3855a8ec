import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestEngine } from '../support/engine.ts';
import { actor, startEngine } from '../support/engine.ts';
import { announceSeed, limitTime, size } from '../support/long-form.ts';
import { done, queueCommands } from './model/queue-commands.ts';
import { maxAttempts, QueueModel } from './model/queue-model.ts';

limitTime();

const seed = announceSeed('order law');
const operator = actor('otto', 'operator');
let engine: TestEngine;
let runs = 0;

beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());

test('the queue does what the model does, whatever is done to it in whatever order', async () => {
  const histories = fc.asyncProperty(queueCommands(size(60, 100)), async (commands) => {
    const topic = `law-${++runs}`;
    await engine.foundation.services.upsertTopic(operator, { namespace: 'acme', name: topic, maxAttempts });
    const setup = () => ({
      model: new QueueModel(),
      real: { foundation: engine.foundation, actor: operator, topic },
    });
    await fc.asyncModelRun(setup, commands);
  });
  await fc.assert(histories, { seed, numRuns: size(40, 2_000), endOnFailure: false });
  console.info(`done: ${JSON.stringify(Object.fromEntries(done))}`);
  for (const kind of ['enqueue', 'dequeue', 'ack', 'nack', 'update', 'the'])
    expect(done.get(kind)).toBeGreaterThan(size(20, 1_000));
});
