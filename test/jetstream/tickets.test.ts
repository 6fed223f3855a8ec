import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectNats } from '../../src/jetstream/connection.ts';
import { PublishError } from '../../src/jetstream/publisher.ts';
import type { TopicName } from '../../src/jetstream/subjects.ts';
import type { ReceivedTicket } from '../../src/jetstream/ticket.ts';
import { Tickets } from '../../src/jetstream/tickets.ts';
import type { Harness } from './harness.ts';
import { log, makeTickets, newTopic, Received, startHarness, whenLoad } from './harness.ts';

describe('tickets', () => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness();
  });
  afterAll(() => harness.close());

  /** Pulls tickets by a puller of its own, waiting for them if need be. */
  async function take(topic: TopicName, batch: number, expiresMs = 5_000): Promise<readonly ReceivedTicket[]> {
    const received = new Received();
    const puller = harness.tickets.openPuller(topic, received);
    puller.pull({ batch, expiresMs });
    await received.endings(1);
    await puller.stop();
    return received.tickets;
  }

  /** The server counts an acknowledgement a moment after it has read it. */
  async function expectCount(topic: TopicName, expected: number): Promise<void> {
    await expect
      .poll(async () => {
        const counts = await harness.tickets.countTickets(topic.system);
        return counts.find((entry) => entry.topic === topic.topic && entry.namespace === topic.namespace)?.tickets ?? 0;
      })
      .toBe(expected);
  }

  it('are issued, pulled once each with what they say, and gone when acknowledged', async () => {
    const topic = await newTopic(harness);
    await harness.tickets.issue(makeTickets(topic, 3));
    await expectCount(topic, 3);
    const taken = await take(topic, 3);
    expect(
      taken.map(({ itemId, priority, shard, deliveryCount }) => ({ itemId, priority, shard, deliveryCount })),
    ).toEqual([
      { itemId: 'item-0', priority: -5, shard: 0, deliveryCount: 1 },
      { itemId: 'item-1', priority: -4, shard: 0, deliveryCount: 1 },
      { itemId: 'item-2', priority: -3, shard: 0, deliveryCount: 1 },
    ]);
    await whenLoad(harness.tickets, topic, { fresh: 0, outstanding: 3 });
    for (const ticket of taken) expect(harness.tickets.acknowledge(ticket.replySubject)).toBe(true);
    await expectCount(topic, 0);
    await whenLoad(harness.tickets, topic, { fresh: 0, outstanding: 0 });
  });

  it('of several systems go out in one call', async () => {
    const topics = [
      await newTopic(harness, 'cases'),
      await newTopic(harness, 'tasks'),
      await newTopic(harness, 'queue'),
    ];
    await harness.tickets.issue(topics.flatMap((topic) => makeTickets(topic, 2)));
    for (const topic of topics) await expectCount(topic, 2);
  });

  it('of a name that is none are refused', async () => {
    await expect(
      harness.tickets.issue(makeTickets({ system: 'cases', namespace: 'acme', topic: '>' }, 1)),
    ).rejects.toBeInstanceOf(RangeError);
  });

  it('go to one puller only', async () => {
    const topic = await newTopic(harness);
    await harness.tickets.issue(makeTickets(topic, 200));
    const halves = await Promise.all([take(topic, 150, 500), take(topic, 150, 500)]);
    const items = halves.flat().map(({ itemId }) => itemId);
    expect(items).toHaveLength(200);
    expect(new Set(items).size).toBe(200);
  });

  it('given back come again at once, as a second delivery', async () => {
    const topic = await newTopic(harness);
    await harness.tickets.issue(makeTickets(topic, 1));
    const [first] = await take(topic, 1);
    harness.tickets.giveBack(first!.replySubject);
    const [second] = await take(topic, 1);
    expect(second).toMatchObject({ itemId: 'item-0', deliveryCount: 2, streamSequence: first!.streamSequence });
  });

  describe('with a lease of their own', () => {
    /** Milliseconds from now until the topic's only ticket comes again. */
    async function whenAgain(topic: TopicName): Promise<number> {
      const start = performance.now();
      expect(await take(topic, 1, 10_000)).toHaveLength(1);
      return performance.now() - start;
    }
    async function leased(delayMs: number): Promise<{ topic: TopicName; replySubject: string }> {
      const topic = await newTopic(harness);
      await harness.tickets.issue(makeTickets(topic, 1));
      const [ticket] = await take(topic, 1);
      harness.tickets.giveBackAfter(ticket!.replySubject, delayMs);
      return { topic, replySubject: ticket!.replySubject };
    }

    it('come again when it ends, not before', async () => {
      const { topic } = await leased(700);
      const waited = await whenAgain(topic);
      expect(waited).toBeGreaterThan(650);
      expect(waited).toBeLessThan(2_000);
    });

    it('come later when it is extended', async () => {
      const { topic, replySubject } = await leased(300);
      harness.tickets.giveBackAfter(replySubject, 900);
      expect(await whenAgain(topic)).toBeGreaterThan(850);
    });

    it('come sooner when it is shortened', async () => {
      const { topic, replySubject } = await leased(60_000);
      harness.tickets.giveBackAfter(replySubject, 200);
      expect(await whenAgain(topic)).toBeLessThan(2_000);
    });

    it('come at once when it is released, and when no time is left', async () => {
      const { topic, replySubject } = await leased(60_000);
      harness.tickets.giveBack(replySubject);
      expect(await whenAgain(topic)).toBeLessThan(1_000);
      const other = await leased(60_000);
      harness.tickets.giveBackAfter(other.replySubject, -3);
      expect(await whenAgain(other.topic)).toBeLessThan(1_000);
    });

    it('are acknowledged from any connection while it runs', async () => {
      const { topic, replySubject } = await leased(60_000);
      const link = await connectNats({ url: harness.server.url, name: 'other', log });
      const tickets = new Tickets(link, log);
      expect(tickets.acknowledge(replySubject)).toBe(true);
      await expectCount(topic, 0);
      tickets.close();
      await link.close();
    });

    it('are not fenced: an acknowledgement of the first delivery takes the second away', async () => {
      const { topic, replySubject } = await leased(50);
      const [second] = await take(topic, 1);
      expect(second!.deliveryCount).toBe(2);
      harness.tickets.acknowledge(replySubject);
      await harness.link.flush();
      await expectCount(topic, 0);
    });
  });

  it('are answered on no other subject than that of a delivery', async () => {
    const got: string[] = [];
    const subscription = harness.link.subscribe('other.subject', (message) => got.push(message.string()));
    expect(harness.tickets.acknowledge('other.subject')).toBe(false);
    expect(harness.tickets.giveBack('')).toBe(false);
    expect(harness.tickets.giveBackAfter('$JS.API.STREAM.DELETE.CASES', 5)).toBe(false);
    await harness.link.flush();
    subscription.unsubscribe();
    expect(got).toEqual([]);
  });

  it('are counted by topic', async () => {
    const topics = [await newTopic(harness, 'queue'), await newTopic(harness, 'queue')];
    await harness.tickets.issue([...makeTickets(topics[0]!, 4), ...makeTickets(topics[1]!, 7)]);
    const held = await take(topics[1]!, 2);
    const counts = await harness.tickets.countTickets('queue');
    expect(counts).toContainEqual({ ...topics[0]!, tickets: 4 });
    expect(counts).toContainEqual({ ...topics[1]!, tickets: 7 });
    await whenLoad(harness.tickets, topics[1]!, { fresh: 5, outstanding: 2, redelivered: 0 });
    for (const ticket of held) harness.tickets.acknowledge(ticket.replySubject);
  });

  it('too many are taken out, held ones stay', async () => {
    const topic = await newTopic(harness);
    await harness.tickets.issue(makeTickets(topic, 1_250));
    const [held] = await take(topic, 1);
    await whenLoad(harness.tickets, topic, { fresh: 1_249, outstanding: 1 });
    expect(await harness.tickets.removeSurplus(topic, 1_100)).toBe(1_100);
    await expectCount(topic, 150);
    expect(await harness.tickets.removeSurplus(topic, 1_000)).toBe(149);
    await expectCount(topic, 1);
    expect(await harness.tickets.removeSurplus(topic, 5)).toBe(0);
    expect(await harness.tickets.removeSurplus({ ...topic, topic: 'no-consumer' }, 5)).toBe(0);
    harness.tickets.acknowledge(held!.replySubject);
  });

  it('cannot be issued or answered without a connection', async () => {
    const link = await connectNats({ url: harness.server.url, name: 'closed', log });
    const tickets = new Tickets(link, log);
    const topic = await newTopic(harness);
    await link.close();
    await expect(tickets.issue(makeTickets(topic, 1))).rejects.toBeInstanceOf(PublishError);
    expect(tickets.acknowledge('$JS.ACK.CASES.acme_cases.1.1.1.1.0')).toBe(false);
    expect(tickets.openPuller(topic, new Received()).pull({ batch: 1, noWait: true })).toBeUndefined();
    await expect(tickets.countTickets('cases')).rejects.toThrow('not connected');
    tickets.close();
  });
});
