import { limits } from '../domain/limits.ts';
import { RecentCache } from '../domain/recent-cache.ts';
import { apiErrors, callApi, isRefusal } from './api.ts';
import type { NatsLink } from './connection.ts';
import type { TopicName } from './subjects.ts';
import { consumerName, streamOf, ticketSubject } from './subjects.ts';
import type { Topology } from './topology.ts';
import { readTopology, topicConsumerConfig } from './topology.ts';

/** Makes the consumers of topics when they are first used. */
export class TopicConsumers {
  readonly #link: NatsLink;
  readonly #topology: Topology;
  #known = newCache();
  readonly #endWatch: () => void;

  constructor(link: NatsLink, topology: Topology = readTopology()) {
    this.#link = link;
    this.#topology = topology;
    // While the connection was down the server may have lost its store, so nothing is certain any more.
    this.#endWatch = link.onChange(() => this.#forgetAll());
  }

  /**
   * Makes sure that a topic has its consumer. Asks the server once for each topic; callers at the same time share that.
   * A consumer that somebody configured otherwise is left as it is (`provision` brings it in line).
   * @throws JetStreamRefusal (`isMissing` when the stream does not exist) or NatsUnavailable; the next call asks again
   */
  ensure(topic: TopicName): Promise<void> {
    const subject = ticketSubject(topic);
    const known = this.#known.get(subject);
    if (known !== undefined) return known;
    const created = this.#create(topic, subject);
    this.#known.set(subject, created);
    created.catch(() => this.#known.delete(subject));
    return created;
  }

  /** Forgets that a topic has a consumer, because a pull found none. */
  forget(topic: TopicName): void {
    this.#known.delete(ticketSubject(topic));
  }

  close(): void {
    this.#endWatch();
    this.#forgetAll();
  }

  #forgetAll(): void {
    this.#known = newCache();
  }

  async #create(topic: TopicName, subject: string): Promise<void> {
    const stream = streamOf(topic.system);
    const config = topicConsumerConfig(this.#topology, topic, subject);
    const request = `CONSUMER.CREATE.${stream}.${consumerName(topic)}.${subject}`;
    try {
      await callApi(this.#link, request, { stream_name: stream, action: 'create', config });
    } catch (error) {
      if (!isRefusal(error, apiErrors.consumerAlreadyExists)) throw error;
    }
  }
}

function newCache(): RecentCache<Promise<void>> {
  return new RecentCache(limits.consumersRemembered);
}
