import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { limits } from '../../src/domain/limits.ts';
import { callApi } from '../../src/jetstream/api.ts';
import type { NatsLink } from '../../src/jetstream/connection.ts';
import { connectNats } from '../../src/jetstream/connection.ts';
import { provision } from '../../src/jetstream/provision.ts';
import type { TopicName } from '../../src/jetstream/subjects.ts';
import { consumerName } from '../../src/jetstream/subjects.ts';
import { TicketPuller } from '../../src/jetstream/ticket-puller.ts';
import { Tickets } from '../../src/jetstream/tickets.ts';
import { TopicConsumers } from '../../src/jetstream/topic-consumers.ts';
import { freeze } from '../support/freeze.ts';
import type { Harness, RestartableNats } from './harness.ts';
import {
  deleteConsumer,
  log,
  makeTickets,
  newTopic,
  Received,
  startHarness,
  startRestartableNats,
  whenConnected,
  whenLoad,
} from './harness.ts';

describe('a puller', () => {
  let harness: Harness;
  let topic: TopicName;
  let received: Received;
  let puller: TicketPuller;
  beforeAll(async () => {
    harness = await startHarness();
  });
  afterAll(() => harness.close());
  beforeEach(async () => {
    topic = await newTopic(harness);
    received = new Received();
    puller = harness.tickets.openPuller(topic, received);
  });
  afterEach(() => puller.stop());

  it('waits for tickets that come later', async () => {
    const id = puller.pull({ batch: 2, expiresMs: 10_000 });
    expect(puller.outstanding).toBe(2);
    await harness.tickets.issue(makeTickets(topic, 1));
    await received.first(1);
    expect(puller.outstanding).toBe(1);
    await harness.tickets.issue(makeTickets(topic, 1));
    expect(await received.endings(1)).toEqual([{ id, unfilled: 0, end: 'filled' }]);
    expect(puller.outstanding).toBe(0);
  });

  it('says what is missing when the wait is over', async () => {
    await harness.tickets.issue(makeTickets(topic, 3));
    const id = puller.pull({ batch: 5, expiresMs: 100 });
    expect(await received.endings(1)).toEqual([{ id, unfilled: 2, end: 'expired' }]);
    expect(received.tickets).toHaveLength(3);
    expect(puller.outstanding).toBe(0);
  });

  it('without waiting takes what is there: nothing, a part, all', async () => {
    const none = puller.pull({ batch: 5, noWait: true });
    await received.endings(1);
    await harness.tickets.issue(makeTickets(topic, 7));
    await whenLoad(harness.tickets, topic, { fresh: 7 });
    const all = puller.pull({ batch: 5, noWait: true });
    await received.endings(2);
    await whenLoad(harness.tickets, topic, { fresh: 2 });
    const part = puller.pull({ batch: 5, noWait: true });
    expect(await received.endings(3)).toEqual([
      { id: none, unfilled: 5, end: 'expired' },
      { id: all, unfilled: 0, end: 'filled' },
      { id: part, unfilled: 3, end: 'expired' },
    ]);
    expect(received.tickets).toHaveLength(7);
  });

  it('keeps count of many pulls at once, of both kinds, that fill, expire and overlap', async () => {
    const asked = new Map<number, number>();
    const issued = 600;
    const ask = (batch: number, expiresMs: number): void => {
      const id = expiresMs === 0 ? puller.pull({ batch, noWait: true }) : puller.pull({ batch, expiresMs });
      if (id !== undefined) asked.set(id, batch);
    };
    let seen = 0;
    for (let round = 0; seen < issued || round < 40; round += 1) {
      for (const expiresMs of [0, 30, 80, 150, 0, 1]) ask(1 + ((round * 7 + expiresMs) % 13), expiresMs);
      if (round < 40) void harness.tickets.issue(makeTickets(topic, issued / 40));
      // However the pulls stand, what was asked for is delivered, known to be unfilled, or still to come.
      const done = received.ended.reduce((sum, { unfilled }) => sum + unfilled, 0);
      const total = [...asked.values()].reduce((sum, batch) => sum + batch, 0);
      expect(puller.outstanding).toBe(total - received.tickets.length - done);
      const before = received.ended.length;
      if (asked.size > before) await received.until(() => received.ended.length > before, 'the end of a pull');
      seen = received.tickets.length;
    }
    await received.endings(asked.size);
    expect(puller.outstanding).toBe(0);
    expect(new Set(received.tickets.map(({ streamSequence }) => streamSequence)).size).toBe(issued);
    for (const { id, unfilled, end } of received.ended) {
      expect(unfilled).toBeGreaterThanOrEqual(0);
      expect(unfilled).toBeLessThanOrEqual(asked.get(id)!);
      expect(end).toBe(unfilled === 0 ? 'filled' : 'expired');
    }
  });

  it('opens no more pulls at once than it may', async () => {
    for (let index = 0; index < limits.ticketPullsAtOnce; index += 1)
      expect(puller.pull({ batch: 1, expiresMs: 10_000 })).toBe(index + 1);
    expect(puller.pull({ batch: 1, expiresMs: 10_000 })).toBeUndefined();
    expect(puller.outstanding).toBe(limits.ticketPullsAtOnce);
    await harness.tickets.issue(makeTickets(topic, 1));
    await received.endings(1);
    expect(puller.pull({ batch: 20, expiresMs: 10_000 })).toBe(limits.ticketPullsAtOnce + 1);
  });

  it.each([0, -1, 1.5, Number.NaN])('does not ask for %d tickets or milliseconds', (value) => {
    expect(() => puller.pull({ batch: value, noWait: true })).toThrow(RangeError);
    if (value !== 1.5) expect(() => puller.pull({ batch: 1, expiresMs: value })).toThrow(RangeError);
    expect(puller.outstanding).toBe(0);
  });

  it('survives a callback that throws', async () => {
    const failing = harness.tickets.openPuller(topic, {
      ...received,
      onTicket: (ticket) => {
        received.onTicket(ticket);
        throw new Error('planted');
      },
      onPullEnded: received.onPullEnded,
    });
    await harness.tickets.issue(makeTickets(topic, 3));
    failing.pull({ batch: 2, expiresMs: 10_000 });
    await received.first(2);
    await received.endings(1);
    expect(failing.outstanding).toBe(0);
    await failing.stop();
  });

  it('says that the consumer is missing, before a pull and during one', async () => {
    const during = puller.pull({ batch: 3, expiresMs: 10_000 });
    await whenLoad(harness.tickets, topic, { pulls: 1 });
    await deleteConsumer(harness.link, topic);
    expect(await received.endings(1)).toEqual([{ id: during, unfilled: 3, end: 'consumer missing' }]);
    const before = puller.pull({ batch: 1, expiresMs: 10_000 });
    expect((await received.endings(2))[1]).toEqual({ id: before, unfilled: 1, end: 'consumer missing' });
    expect(received.missing).toBe(2);
    harness.consumers.forget(topic);
    await harness.consumers.ensure(topic);
    await harness.tickets.issue(makeTickets(topic, 1));
    puller.pull({ batch: 1, expiresMs: 10_000 });
    await received.first(1);
  });

  it('gives up a pull of which nothing is heard, so that the server forgets it too', async () => {
    // With as many tickets out as the consumer may have, the server leaves a pull that does not wait unanswered.
    const name = consumerName(topic);
    const info = await callApi<{ config: object }>(harness.link, `CONSUMER.INFO.CASES.${name}`);
    await callApi(harness.link, `CONSUMER.CREATE.CASES.${name}.cases.acme.${topic.topic}`, {
      stream_name: 'CASES',
      config: { ...info.config, max_ack_pending: 1 },
    });
    const impatient = new TicketPuller(harness.link, {
      stream: 'CASES',
      consumer: name,
      log,
      graceMs: 100,
      ...received,
    });
    await harness.tickets.issue(makeTickets(topic, 2));
    impatient.pull({ batch: 1, expiresMs: 10_000 });
    const [held] = await received.first(1);
    await whenLoad(harness.tickets, topic, { fresh: 1, outstanding: 1 });
    const stuck = impatient.pull({ batch: 1, noWait: true });
    expect((await received.endings(2))[1]).toEqual({ id: stuck, unfilled: 1, end: 'lost' });
    expect(impatient.outstanding).toBe(0);
    harness.tickets.acknowledge(held!.replySubject);
    impatient.pull({ batch: 1, expiresMs: 5_000 });
    const [, second] = await received.first(2);
    expect(second!.deliveryCount).toBe(1);
    await impatient.stop();
  });

  it('says when the server refuses a pull', async () => {
    const name = consumerName(topic);
    const info = await callApi<{ config: object }>(harness.link, `CONSUMER.INFO.CASES.${name}`);
    await callApi(harness.link, `CONSUMER.CREATE.CASES.${name}.cases.acme.${topic.topic}`, {
      stream_name: 'CASES',
      config: { ...info.config, max_batch: 2 },
    });
    const id = puller.pull({ batch: 3, expiresMs: 1_000 });
    expect(await received.endings(1)).toEqual([{ id, unfilled: 3, end: 'refused' }]);
  });

  it('stops without losing a ticket: what it does not get goes to others at once', async () => {
    puller.pull({ batch: 500, expiresMs: 10_000 });
    const issuing = harness.tickets.issue(makeTickets(topic, 500));
    await received.first(1);
    await puller.stop();
    await issuing;
    expect(received.ended).toHaveLength(1);
    const own = received.tickets.length;
    expect(puller.pull({ batch: 1, noWait: true })).toBeUndefined();
    const other = new Received();
    const next = harness.tickets.openPuller(topic, other);
    // Its wait is far below the consumer's ack-wait: a ticket sent to the stopped puller in vain would be missing.
    if (own < 500) next.pull({ batch: 500 - own, expiresMs: 10_000 });
    await other.first(500 - own);
    await next.stop();
  });
});

describe('a puller whose server goes away', () => {
  let server: RestartableNats;
  let link: NatsLink;
  let tickets: Tickets;
  let consumers: TopicConsumers;
  let received: Received;
  let puller: TicketPuller;
  const topic = { system: 'cases', namespace: 'acme', topic: 'kyc' } as const;

  beforeEach(async () => {
    server = await startRestartableNats();
    link = await connectNats({ url: server.url, name: 'test', log });
    await provision(link);
    tickets = new Tickets(link, log);
    consumers = new TopicConsumers(link);
    await consumers.ensure(topic);
    received = new Received();
    puller = tickets.openPuller(topic, received);
  });
  afterEach(async () => {
    await puller.stop();
    consumers.close();
    tickets.close();
    await link.close();
    await server.stop();
  });

  it('forgets its pulls, and goes on after the restart', async () => {
    await tickets.issue(makeTickets(topic, 3));
    puller.pull({ batch: 1, expiresMs: 10_000 });
    const [held] = await received.first(1);
    tickets.giveBackAfter(held!.replySubject, 60_000);
    await link.flush();
    const open = puller.pull({ batch: 5, expiresMs: 10_000 });
    await received.first(3);
    await server.stop();
    // A server that is told to stop says so to open pulls, before it closes the connection.
    const [, ended] = await received.endings(2);
    expect(ended).toMatchObject({ id: open, unfilled: 3 });
    expect(['lost', 'disconnected']).toContain(ended!.end);
    await whenConnected(link, false);
    expect(puller.outstanding).toBe(0);
    expect(puller.pull({ batch: 1, expiresMs: 1_000 })).toBeUndefined();
    expect(tickets.acknowledge(held!.replySubject)).toBe(false);
    await expect(tickets.issue(makeTickets(topic, 1))).rejects.toThrow('not connected');

    await server.start();
    await whenConnected(link, true);
    await tickets.issue(makeTickets(topic, 1));
    puller.pull({ batch: 1, expiresMs: 10_000 });
    const all = await received.first(4);
    expect(all[3]!.streamSequence).toBe(4);
    for (const ticket of all) tickets.acknowledge(ticket.replySubject);
    await expect.poll(() => tickets.countTickets('cases')).toEqual([]);
  });

  it('ends what was being pulled and published when the server dies', async () => {
    const open = puller.pull({ batch: 5, expiresMs: 10_000 });
    await link.flush();
    await freeze(server.running().pid);
    const lost = tickets.issue(makeTickets(topic, 10)).catch((error: unknown) => error);
    process.kill(server.running().pid, 'SIGKILL');
    expect(await lost).toMatchObject({
      name: 'PublishError',
      unanswered: Array.from({ length: 10 }, (_, index) => index),
    });
    expect(tickets.inFlight).toBe(0);
    expect(received.ended).toEqual([{ id: open, unfilled: 5, end: 'disconnected' }]);
    expect(puller.outstanding).toBe(0);
    await server.stop();
    await server.start();
    await whenConnected(link, true);
    await tickets.issue(makeTickets(topic, 10));
  });
});
