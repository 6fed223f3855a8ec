import { headers } from 'nats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OutgoingMessage } from '../../src/jetstream/publisher.ts';
import { PublishError, Publisher } from '../../src/jetstream/publisher.ts';
import { freeze } from '../support/freeze.ts';
import type { Harness } from './harness.ts';
import { newTopic, readStream, startHarness } from './harness.ts';

function message(subject: string, payload = ''): OutgoingMessage {
  return { subject, headers: headers(), payload };
}

async function failureOf(published: Promise<void>): Promise<PublishError> {
  const error: unknown = await published.catch((reason: unknown) => reason);
  if (error instanceof PublishError) return error;
  throw new Error('nothing failed as expected', { cause: error });
}

describe('publishing to a stream', () => {
  let harness: Harness;
  let publisher: Publisher;
  beforeAll(async () => {
    harness = await startHarness();
    publisher = new Publisher(harness.link);
  });
  afterAll(async () => {
    publisher.close();
    await harness.close();
  });

  it('resolves when everything is stored: one message, a thousand, none', async () => {
    await newTopic(harness, 'tasks');
    await publisher.publish([message('tasks.acme.many')]);
    await publisher.publish(Array.from({ length: 1_000 }, () => message('tasks.acme.many')));
    await publisher.publish([]);
    expect((await readStream(harness.link, 'tasks')).state.messages).toBe(1_001);
    expect(publisher.inFlight).toBe(0);
  });

  it('says which messages were refused and stores the others', async () => {
    const before = (await readStream(harness.link, 'queue')).state.messages;
    const large = 'x'.repeat(5_000);
    const error = await failureOf(
      publisher.publish([message('queue.acme.a'), message('queue.acme.a', large), message('queue.acme.a')]),
    );
    expect(error.refused).toEqual([{ index: 1, code: 10_054, description: 'message size exceeds maximum allowed' }]);
    expect(error.unanswered).toEqual([]);
    expect(error.message).toContain('message size exceeds maximum allowed (10054)');
    expect((await readStream(harness.link, 'queue')).state.messages).toBe(before + 2);
  });

  it('says when no stream listens', async () => {
    const error = await failureOf(publisher.publish([message('queue.acme.a'), message('nowhere.acme.a')]));
    expect(error.refused).toEqual([{ index: 1, code: 503, description: 'no stream listens on the subject' }]);
  });

  it('says when a message is larger than the server takes at all', async () => {
    const error = await failureOf(
      publisher.publish([message('queue.acme.a', 'x'.repeat(2_000_000)), message('queue.acme.a')]),
    );
    expect(error.refused).toMatchObject([{ index: 0, code: 400 }]);
    expect(error.unanswered).toEqual([]);
  });

  it('gives up after its timeout and refuses more than the bound meanwhile', async () => {
    const bounded = new Publisher(harness.link, { timeoutMs: 200, messagesInFlightMax: 3 });
    await freeze(harness.server.pid);
    try {
      const slow = failureOf(bounded.publish([message('queue.acme.a'), message('queue.acme.a')]));
      expect(bounded.inFlight).toBe(2);
      const refused = await failureOf(bounded.publish([message('queue.acme.a'), message('queue.acme.a')]));
      expect(refused.message).toContain('2 messages wait');
      expect(await slow).toMatchObject({ unanswered: [0, 1], refused: [] });
    } finally {
      process.kill(harness.server.pid, 'SIGCONT');
    }
    expect(bounded.inFlight).toBe(0);
    await bounded.publish([message('queue.acme.a')]);
    bounded.close();
  });

  it('ends what is under way when it is closed, and does nothing without a connection', async () => {
    const closing = new Publisher(harness.link);
    await freeze(harness.server.pid);
    const ended = failureOf(closing.publish([message('queue.acme.a')]));
    closing.close();
    process.kill(harness.server.pid, 'SIGCONT');
    expect((await ended).unanswered).toEqual([0]);
  });
});
