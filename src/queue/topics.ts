import { Fault } from '../domain/errors.ts';
import type { System, Topic } from '../domain/topic.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement } from '../postgres/sql.ts';

const ensureTopic = loadStatement('ensure-topic');
const findTopic = loadStatement('find-topic');
const readTopics = loadStatement('read-topics');
const topicsMax = 100_000;

/**
 * The topics of one shard, kept in memory: a topic's id and names never change and topics are never removed.
 */
export class Topics {
  readonly #shard: Shard;
  readonly #byName = new Map<string, Topic>();
  readonly #byId = new Map<number, Topic>();
  readonly #finding = new Map<string, Promise<Topic>>();

  constructor(shard: Shard) {
    this.#shard = shard;
  }

  /** The topic if it is known in memory already; hot paths ask here first. */
  known(namespace: string, system: System, name: string): Topic | undefined {
    return this.#byName.get(`${namespace}/${system}/${name}`);
  }

  /**
   * Finds a topic, or makes it with the defaults.
   * @throws Fault `NOT_FOUND` when the namespace has a fixed list of topics without this one
   */
  async ensure(namespace: string, system: System, name: string): Promise<Topic> {
    const key = `${namespace}/${system}/${name}`;
    const known = this.#byName.get(key);
    if (known !== undefined) return known;
    const finding = this.#finding.get(key) ?? this.#find(namespace, system, name, key);
    this.#finding.set(key, finding);
    try {
      return await finding;
    } finally {
      this.#finding.delete(key);
    }
  }

  /** The topic if it exists; does not make it. */
  async find(namespace: string, system: System, name: string): Promise<Topic | undefined> {
    const known = this.known(namespace, system, name);
    if (known !== undefined) return known;
    const row = (await this.#shard.run<{ id: number }>(findTopic, [namespace, system, name]))[0];
    if (row === undefined) return undefined;
    const topic: Topic = { id: row.id, shard: this.#shard.number, namespace, system, name };
    this.#keep(topic);
    return topic;
  }

  /** The topics with these ids, read where they are not known. Ids without a topic are left out. */
  async byIds(ids: readonly number[]): Promise<ReadonlyMap<number, Topic>> {
    const missing = [...new Set(ids)].filter((id) => !this.#byId.has(id));
    if (missing.length > 0) {
      const rows = await this.#shard.run<{ id: number; namespace: string; system: System; name: string }>(readTopics, [
        missing,
      ]);
      for (const row of rows) this.#keep({ ...row, shard: this.#shard.number });
    }
    return this.#byId;
  }

  byId(id: number): Topic | undefined {
    return this.#byId.get(id);
  }

  async #find(namespace: string, system: System, name: string, key: string): Promise<Topic> {
    // Twice: a topic that another process makes at this moment is invisible to the first statement.
    for (let attempt = 0; attempt < 2; attempt++) {
      const rows = await this.#shard.run<{ id: number }>(ensureTopic, [namespace, system, name, system === 'cases']);
      const row = rows[0];
      if (row !== undefined) {
        const topic: Topic = { id: row.id, shard: this.#shard.number, namespace, system, name };
        this.#keep(topic, key);
        return topic;
      }
    }
    throw new Fault('NOT_FOUND', `The namespace has no topic '${name}'`);
  }

  #keep(topic: Topic, key = `${topic.namespace}/${topic.system}/${topic.name}`): void {
    if (this.#byName.size >= topicsMax) {
      this.#byName.clear();
      this.#byId.clear();
    }
    this.#byName.set(key, topic);
    this.#byId.set(topic.id, topic);
  }
}
