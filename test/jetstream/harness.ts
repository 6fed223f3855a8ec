import { isDeepStrictEqual } from 'node:util';
import { inject } from 'vitest';
import type { System } from '../../src/domain/topic.ts';
import type { EmbeddedNats } from '../../src/embedded/nats-server.ts';
import { startNatsServer } from '../../src/embedded/nats-server.ts';
import { callApi } from '../../src/jetstream/api.ts';
import type { NatsLink } from '../../src/jetstream/connection.ts';
import { connectNats } from '../../src/jetstream/connection.ts';
import { provision } from '../../src/jetstream/provision.ts';
import type { TopicName } from '../../src/jetstream/subjects.ts';
import { consumerName, streamOf } from '../../src/jetstream/subjects.ts';
import type { ReceivedTicket, Ticket } from '../../src/jetstream/ticket.ts';
import type { PullEnd } from '../../src/jetstream/ticket-puller.ts';
import type { ConsumerLoad, PullerCallbacks } from '../../src/jetstream/tickets.ts';
import { Tickets } from '../../src/jetstream/tickets.ts';
import { TopicConsumers } from '../../src/jetstream/topic-consumers.ts';
import type { Logger } from '../../src/log.ts';
import { createLogger } from '../../src/log.ts';
import { startTestNats, uniqueDirectory } from '../support/servers.ts';

export const log: Logger = createLogger('test', process.env.TEST_LOG_LEVEL ?? 'silent');
const waitMilliseconds = 10_000;

/** A nats-server of the test file with the product's streams, and a connection to it. */
export interface Harness {
  readonly server: EmbeddedNats;
  readonly link: NatsLink;
  readonly tickets: Tickets;
  readonly consumers: TopicConsumers;
  close(): Promise<void>;
}

export async function startHarness(): Promise<Harness> {
  const server = await startTestNats();
  const link = await connectNats({ url: server.url, name: 'test', log });
  await provision(link);
  const tickets = new Tickets(link, log);
  const consumers = new TopicConsumers(link);
  const close = async (): Promise<void> => {
    tickets.close();
    consumers.close();
    await link.close();
    await server.stop();
  };
  return { server, link, tickets, consumers, close };
}

/** A nats-server that can be stopped and started again on its port, with its streams or without. */
export interface RestartableNats {
  readonly url: string;
  start(): Promise<EmbeddedNats>;
  stop(): Promise<void>;
  running(): EmbeddedNats;
}

export async function startRestartableNats(): Promise<RestartableNats> {
  const directory = uniqueDirectory('nats-restart');
  const open = (port: number): Promise<EmbeddedNats> =>
    startNatsServer({ binary: inject('natsServer'), directory, port, serverName: 'restarting', log });
  let server = await open(0);
  const { port, url } = server;
  return {
    url,
    running: () => server,
    stop: () => server.stop(),
    start: async () => {
      server = await open(port);
      return server;
    },
  };
}

let topics = 0;

/** A topic that no other test uses, with its consumer. */
export async function newTopic(harness: Harness, system: System = 'cases'): Promise<TopicName> {
  const topic = { system, namespace: 'acme', topic: `topic-${++topics}` };
  await harness.consumers.ensure(topic);
  return topic;
}

export function makeTickets(topic: TopicName, count: number): Ticket[] {
  return Array.from({ length: count }, (_, index) => ({
    ...topic,
    shard: 0,
    itemId: `item-${index}`,
    priority: index - 5,
  }));
}

export interface EndedPull {
  readonly id: number;
  readonly unfilled: number;
  readonly end: PullEnd;
}

/** Keeps what a puller reports, for tests to wait on. */
export class Received implements PullerCallbacks {
  readonly tickets: ReceivedTicket[] = [];
  readonly ended: EndedPull[] = [];
  missing = 0;
  readonly #changed = new Set<() => void>();

  readonly onTicket = (ticket: ReceivedTicket): void => {
    this.tickets.push(ticket);
    this.#report();
  };

  readonly onPullEnded = (id: number, unfilled: number, end: PullEnd): void => {
    this.ended.push({ id, unfilled, end });
    this.#report();
  };

  readonly onConsumerMissing = (): void => {
    this.missing += 1;
    this.#report();
  };

  /** Resolves with the first so many tickets once they are there. */
  async first(count: number): Promise<readonly ReceivedTicket[]> {
    await this.until(() => this.tickets.length >= count, `${count} tickets`);
    return this.tickets.slice(0, count);
  }

  async endings(count: number): Promise<readonly EndedPull[]> {
    await this.until(() => this.ended.length >= count, `the end of ${count} pulls`);
    return this.ended.slice(0, count);
  }

  async until(condition: () => boolean, what: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const check = (): void => {
      if (condition()) resolve();
    };
    const timer = setTimeout(
      () =>
        reject(new Error(`waited in vain for ${what}: ${this.tickets.length} tickets, ${JSON.stringify(this.ended)}`)),
      waitMilliseconds,
    );
    this.#changed.add(check);
    check();
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#changed.delete(check);
    }
  }

  #report(): void {
    for (const check of this.#changed) check();
  }
}

/** Resolves when the connection is up, or down. */
export async function whenConnected(link: NatsLink, connected: boolean): Promise<void> {
  if (link.connected === connected) return;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const end = link.onChange((now) => {
    if (now === connected) resolve();
  });
  const timer = setTimeout(
    () => reject(new Error(`the connection did not become ${connected ? 'up' : 'down'}`)),
    waitMilliseconds,
  );
  await promise.finally(() => {
    clearTimeout(timer);
    end();
  });
}

/**
 * Resolves when the server's own count of a topic's consumer is as expected. It counts a moment after it has answered a
 * publish, so what was just stored may not be seen by the next pull that does not wait.
 */
export async function whenLoad(tickets: Tickets, topic: TopicName, expected: Partial<ConsumerLoad>): Promise<void> {
  const deadline = performance.now() + waitMilliseconds;
  let load: ConsumerLoad | undefined;
  do {
    load = await tickets.readLoad(topic);
    if (load !== undefined && isDeepStrictEqual({ ...load, ...expected }, load)) return;
  } while (performance.now() < deadline);
  throw new Error(`the consumer did not become ${JSON.stringify(expected)} but is ${JSON.stringify(load)}`);
}

export interface StreamInfo {
  readonly state: { readonly messages: number };
}

export function readStream(link: NatsLink, system: System): Promise<StreamInfo> {
  return callApi<StreamInfo>(link, `STREAM.INFO.${streamOf(system)}`);
}

export async function deleteConsumer(link: NatsLink, topic: TopicName): Promise<void> {
  await callApi(link, `CONSUMER.DELETE.${streamOf(topic.system)}.${consumerName(topic)}`);
}
