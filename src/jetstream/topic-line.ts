import type { Topic } from '../domain/topic.ts';
import type { Logger } from '../log.ts';
import type { TicketPuller as EnginePuller, TicketLine, TicketPullerEvents } from '../queue/ticket-line.ts';
import type { NatsLink } from './connection.ts';
import type { ShardTopic, TopicName } from './subjects.ts';
import type { TicketPuller } from './ticket-puller.ts';
import type { Tickets } from './tickets.ts';
import type { TopicConsumers } from './topic-consumers.ts';

export interface TopicLineDependencies {
  readonly link: NatsLink;
  readonly tickets: Tickets;
  readonly consumers: TopicConsumers;
  readonly log: Logger;
}

export function topicName(topic: Topic): ShardTopic {
  return { system: topic.system, namespace: topic.namespace, topic: topic.name, shard: topic.shard };
}

/**
 * One topic's tickets, for the engine. While its consumer is not known to exist the line counts as not connected, so
 * that claims go to the rows; each new connection makes it try again.
 */
export class TopicLine implements TicketLine {
  readonly #dependencies: TopicLineDependencies;
  readonly #name: TopicName;
  #ensured = false;
  #ensuring = false;
  #retryTimer: NodeJS.Timeout | undefined;

  constructor(topic: Topic, dependencies: TopicLineDependencies) {
    this.#dependencies = dependencies;
    this.#name = topicName(topic);
  }

  /** Opens the line; resolves also when NATS cannot be reached. */
  async open(): Promise<this> {
    await this.#ensure();
    return this;
  }

  get connected(): boolean {
    if (!this.#dependencies.link.connected) return false;
    if (!this.#ensured) void this.#ensure();
    return this.#ensured;
  }

  openPuller(events: TicketPullerEvents): EnginePuller {
    const { tickets } = this.#dependencies;
    const puller: TicketPuller = tickets.openPuller(this.#name, {
      onTicket: (ticket) => events.onTicket(ticket),
      onPullEnded: (_pullId, unfilled, end) => {
        if (end === 'consumer missing' || end === 'refused') this.#lose();
        events.onPullEnded(unfilled);
      },
    });
    return {
      get outstanding() {
        return puller.outstanding;
      },
      pull: (request) => void puller.pull(request),
      close: () => void puller.stop(),
    };
  }

  acknowledge(replySubject: string): void {
    this.#dependencies.tickets.acknowledge(replySubject);
  }

  giveBack(replySubject: string): void {
    this.#dependencies.tickets.giveBack(replySubject);
  }

  giveBackAfter(replySubject: string, delayMilliseconds: number): void {
    this.#dependencies.tickets.giveBackAfter(replySubject, delayMilliseconds);
  }

  #lose(): void {
    this.#ensured = false;
    this.#dependencies.consumers.forget(this.#name);
    void this.#ensure();
  }

  async #ensure(): Promise<void> {
    if (this.#ensuring || this.#ensured || !this.#dependencies.link.connected) return;
    this.#ensuring = true;
    try {
      await this.#dependencies.consumers.ensure(this.#name);
      this.#ensured = true;
      this.#ensuring = false;
    } catch (error) {
      // The stream may be gone; the scheduler makes it again. Until then claims go to the rows.
      this.#dependencies.log.debug({ err: error, topic: this.#name }, 'the topic has no consumer');
      this.#retryTimer ??= setTimeout(() => {
        this.#retryTimer = undefined;
        this.#ensuring = false;
      }, 500).unref();
    }
  }
}
