import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { callApi } from '../../src/jetstream/api.ts';
import type { OutgoingEvent, ReceivedEvent } from '../../src/jetstream/events.ts';
import { EventPublisher, listenEvents } from '../../src/jetstream/events.ts';
import { PublishError } from '../../src/jetstream/publisher.ts';
import { eventFilter } from '../../src/jetstream/subjects.ts';
import type { Harness } from './harness.ts';
import { startHarness } from './harness.ts';

describe('events', () => {
  let harness: Harness;
  let publisher: EventPublisher;
  beforeAll(async () => {
    harness = await startHarness();
    publisher = new EventPublisher(harness.link);
  });
  afterAll(async () => {
    publisher.close();
    await harness.close();
  });
  beforeEach(() => callApi(harness.link, 'STREAM.PURGE.EVENTS'));

  let made = 0;
  function makeEvents(count: number, topic = 'kyc'): OutgoingEvent[] {
    return Array.from({ length: count }, () => {
      const id = `event-${++made}`;
      return { system: 'cases', namespace: 'acme', topic, id, payload: JSON.stringify({ id }) };
    });
  }

  async function stored(): Promise<readonly string[]> {
    const info = await callApi<{ state: { first_seq: number; last_seq: number } }>(harness.link, 'STREAM.INFO.EVENTS');
    const ids: string[] = [];
    for (let sequence = info.state.first_seq; sequence <= info.state.last_seq; sequence += 1) {
      const { message } = await callApi<{ message: { data: string } }>(harness.link, 'STREAM.MSG.GET.EVENTS', {
        seq: sequence,
      });
      ids.push(JSON.parse(Buffer.from(message.data, 'base64').toString()).id);
    }
    return ids;
  }

  it('are stored in order, more than go out at once', async () => {
    const events = makeEvents(2_300);
    await publisher.publish(events);
    expect(await stored()).toEqual(events.map(({ id }) => id));
  });

  it('are stored once, however often they are sent', async () => {
    const events = makeEvents(10);
    await publisher.publish(events.slice(3, 5));
    await publisher.publish(events);
    await publisher.publish(events);
    expect(new Set(await stored())).toEqual(new Set(events.map(({ id }) => id)));
    expect(await stored()).toHaveLength(10);
  });

  it('say which of them the stream refused, counted over the whole list', async () => {
    const events = makeEvents(1_500);
    const large = { ...events[1_200]!, payload: 'x'.repeat(300_000) };
    const error: unknown = await publisher.publish(events.with(1_200, large)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(PublishError);
    expect((error as PublishError).refused).toEqual([
      { index: 1_200, code: 10_054, description: 'message size exceeds maximum allowed' },
    ]);
    expect(await stored()).toHaveLength(1_499);
  });

  it('reach listeners by what they ask for', async () => {
    const all: ReceivedEvent[] = [];
    const some: ReceivedEvent[] = [];
    const complete = Promise.withResolvers<void>();
    const listeners = [
      listenEvents(harness.link, eventFilter(), (event) => {
        if (all.push(event) === 4) complete.resolve();
      }),
      listenEvents(harness.link, eventFilter({ namespace: 'acme', topic: 'other' }), (event) => some.push(event)),
    ];
    const events = [...makeEvents(2), ...makeEvents(2, 'other')];
    harness.link.publish('events.cases.acme.kyc', 'somebody else, without an id');
    await publisher.publish(events);
    await complete.promise;
    await harness.link.flush();
    expect(all.map(({ id }) => id)).toEqual(events.map(({ id }) => id));
    expect(some.map(({ id, topic, payload }) => [id, topic, Buffer.from(payload).toString()])).toEqual(
      events.slice(2).map(({ id, payload }) => [id, 'other', payload]),
    );
    for (const listener of listeners) listener.unsubscribe();
  });
});
