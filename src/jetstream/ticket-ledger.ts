import type { System, Topic } from '../domain/topic.ts';
import type { NewTicket } from '../queue/announcements.ts';
import type { TicketLedger, TicketStock } from '../queue/ticket-ledger.ts';
import { callApi } from './api.ts';
import type { NatsLink } from './connection.ts';
import { restoreMissingStreams } from './restore-streams.ts';
import { headSubject, streamOf } from './subjects.ts';
import type { Tickets } from './tickets.ts';
import type { TopicConsumers } from './topic-consumers.ts';
import { topicName } from './topic-line.ts';

export interface TicketLedgerDependencies {
  readonly link: NatsLink;
  readonly tickets: Tickets;
  readonly consumers: TopicConsumers;
  readonly shard: number;
  readonly replicas: number | undefined;
}

/** The ticket streams as the reconciler sees them. */
export class JetStreamTicketLedger implements TicketLedger {
  readonly #dependencies: TicketLedgerDependencies;

  constructor(dependencies: TicketLedgerDependencies) {
    this.#dependencies = dependencies;
  }

  get connected(): boolean {
    return this.#dependencies.link.connected;
  }

  async restoreStreams(): Promise<boolean> {
    return restoreMissingStreams(this.#dependencies.link, this.#dependencies.replicas);
  }

  async readStock(system: System): Promise<TicketStock> {
    const { shard } = this.#dependencies;
    const info = await callApi<{ created: string }>(this.#dependencies.link, `STREAM.INFO.${streamOf(system)}`);
    const counts = await this.#dependencies.tickets.countTickets(system);
    return {
      streamCreatedAt: new Date(info.created),
      tickets: new Map(
        counts
          .filter((count) => (count.shard ?? 0) === shard)
          .map((count) => [`${count.namespace}/${count.topic}`, count.tickets]),
      ),
    };
  }

  async ensureConsumer(topic: Topic): Promise<void> {
    await this.#dependencies.consumers.ensure(topicName(topic));
  }

  async issue(tickets: readonly NewTicket[]): Promise<void> {
    await this.#dependencies.tickets.issue(
      tickets.map(({ topic, itemId, priority, items }) => ({ ...topicName(topic), itemId, priority, items })),
    );
  }

  tellReady(topic: Topic, items: number): void {
    this.#dependencies.link.publish(headSubject(topicName(topic)), JSON.stringify({ lying: items }));
  }

  async removeSurplus(topic: Topic, count: number): Promise<number> {
    // A topic that nobody ever claimed from has none yet, and tickets are taken away through it.
    await this.#dependencies.consumers.ensure(topicName(topic));
    return this.#dependencies.tickets.removeSurplus(topicName(topic), count);
  }
}
