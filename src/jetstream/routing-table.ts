import type { KV } from '@nats-io/kv';
import { Kvm } from '@nats-io/kv';
import type { Logger } from '../log.ts';
import type { RouteChange, Routing, RoutingStore } from '../shards/routing.ts';
import { noRouting } from '../shards/routing.ts';
import { callApi, orMissing } from './api.ts';
import type { NatsLink } from './connection.ts';
import { NatsUnavailable } from './connection.ts';

const bucketName = 'caseload-routing';
/** The last changes of each key that are kept. */
const historyEntries = 64;
/** The bucket may vanish with its server's storage without a word: this often it is looked for. */
const checkMilliseconds = 2_000;

export interface RoutingTableOptions {
  readonly link: NatsLink;
  readonly replicas: number | undefined;
  readonly log: Logger;
}

type Entry = Omit<RouteChange, 'key'>;

/**
 * The routing table: a NATS key-value bucket that every process watches. While NATS is away the last known table holds;
 * a process that starts meanwhile goes by the defaults. When the bucket is lost with its storage, whoever notices first
 * makes it again from memory.
 */
export class RoutingTable implements RoutingStore {
  readonly #options: RoutingTableOptions;
  readonly #entries = new Map<string, Entry>();
  /** Changes that hold here already and are not stored yet. */
  readonly #pending = new Map<string, Entry>();
  readonly #listeners = new Set<() => void>();
  readonly #timer: NodeJS.Timeout;
  readonly #endWatch: () => void;
  #current: Routing = noRouting;
  #bucket: KV | undefined;
  #createdAt: string | undefined;
  #opening: Promise<void> | undefined;
  #stopWatching: (() => void) | undefined;
  #closed = false;

  constructor(options: RoutingTableOptions) {
    this.#options = options;
    this.#endWatch = options.link.onChange((connected) => {
      if (connected) void this.#check();
    });
    this.#timer = setInterval(() => void this.#check(), checkMilliseconds).unref();
  }

  get current(): Routing {
    return this.#current;
  }

  /** Resolves when the table was read; also when NATS cannot be reached. */
  async open(): Promise<this> {
    await this.#check();
    return this;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** @throws NatsUnavailable when the change could not be stored */
  async set({ key, ...entry }: RouteChange): Promise<void> {
    await this.#check();
    if (this.#bucket === undefined) throw new NatsUnavailable('The routing table cannot be reached');
    try {
      await this.#bucket.put(key, JSON.stringify(entry));
    } catch (error) {
      throw new NatsUnavailable('The change of the routing table was not stored', { cause: error });
    }
    this.#take(key, entry);
  }

  note({ key, ...entry }: RouteChange): void {
    this.#take(key, entry);
    this.#pending.set(key, entry);
    void this.#check();
  }

  /** The changes that are kept, newest first. @throws NatsUnavailable */
  async changes(): Promise<readonly RouteChange[]> {
    await this.#check();
    if (this.#bucket === undefined) throw new NatsUnavailable('The routing table cannot be reached');
    const changes: RouteChange[] = [];
    for await (const entry of await this.#bucket.history()) {
      const change = parseEntry(entry.value);
      if (change !== undefined) changes.push({ key: entry.key, ...change });
    }
    return changes.sort((a, b) => (a.at < b.at ? 1 : -1));
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#endWatch();
    this.#stopWatching?.();
  }

  async #check(): Promise<void> {
    if (this.#closed || !this.#options.link.connected) return;
    this.#opening ??= this.#openIfNeeded().finally(() => {
      this.#opening = undefined;
    });
    await this.#opening;
  }

  async #openIfNeeded(): Promise<void> {
    const { link, log } = this.#options;
    try {
      const info = await orMissing(callApi<{ created: string }>(link, `STREAM.INFO.KV_${bucketName}`));
      const isOpen = info !== undefined && info.created === this.#createdAt && this.#bucket !== undefined;
      if (!isOpen) await this.#openBucket(info === undefined);
      await this.#storePending();
    } catch (error) {
      log.debug({ err: error }, 'the routing table cannot be read; the last known one holds');
    }
  }

  async #openBucket(isNew: boolean): Promise<void> {
    const { link, replicas, log } = this.#options;
    const connection = link.connection;
    if (connection === undefined) return;
    this.#stopWatching?.();
    const bucket = await new Kvm(connection).create(bucketName, {
      history: historyEntries,
      ...(replicas === undefined ? {} : { replicas }),
    });
    if (isNew && this.#entries.size > 0) {
      log.warn({ entries: this.#entries.size }, 'the routing table was lost and has been made again from memory');
      for (const [key, entry] of this.#entries) await bucket.create(key, JSON.stringify(entry)).catch(() => undefined);
    }
    const { created } = await callApi<{ created: string }>(link, `STREAM.INFO.KV_${bucketName}`);
    for await (const key of await bucket.keys()) {
      const stored = await bucket.get(key);
      if (stored !== null) this.#read(stored);
    }
    const watch = await bucket.watch();
    this.#stopWatching = () => watch.stop();
    this.#bucket = bucket;
    this.#createdAt = created;
    void this.#follow(watch, created);
  }

  async #storePending(): Promise<void> {
    const bucket = this.#bucket;
    if (bucket === undefined) return;
    for (const [key, entry] of this.#pending) {
      await bucket.put(key, JSON.stringify(entry));
      if (this.#pending.get(key) === entry) this.#pending.delete(key);
    }
  }

  #read({ key, value }: { readonly key: string; readonly value: Uint8Array }): void {
    const entry = parseEntry(value);
    if (entry === undefined) this.#options.log.warn({ key }, 'an entry of the routing table that is none of ours');
    else this.#take(key, entry);
  }

  async #follow(
    watch: AsyncIterable<{ readonly key: string; readonly value: Uint8Array }>,
    created: string,
  ): Promise<void> {
    try {
      for await (const entry of watch) this.#read(entry);
    } catch (error) {
      this.#options.log.debug({ err: error }, 'the routing table is watched anew');
    } finally {
      if (this.#createdAt === created) this.#createdAt = undefined; // opened again at the next check
    }
  }

  #take(key: string, entry: Entry): void {
    this.#entries.set(key, entry);
    const routes = new Map<string, readonly string[]>();
    const drained = new Set<number>();
    const takeovers = new Map<number, number>();
    for (const [name, { value, at }] of this.#entries) {
      const [kind, subject] = name.split('.');
      if (kind === 'route' && Array.isArray(value)) routes.set(subject!, value);
      else if (kind === 'drain' && value === true) drained.add(Number(subject));
      else if (kind === 'takeover') takeovers.set(Number(subject), Date.parse(at));
    }
    this.#current = { routes, drained, takeovers };
    for (const listener of this.#listeners) listener();
  }
}

function parseEntry(bytes: Uint8Array): Entry | undefined {
  try {
    const entry = JSON.parse(Buffer.from(bytes).toString('utf8')) as Partial<Entry>;
    if (typeof entry.by !== 'string' || typeof entry.at !== 'string') return undefined;
    const { value } = entry;
    const isRoute = Array.isArray(value) && value.every((one) => typeof one === 'string');
    return isRoute || typeof value === 'boolean'
      ? { value, by: entry.by, at: entry.at, reason: entry.reason ?? null }
      : undefined;
  } catch {
    return undefined; // somebody else's bytes
  }
}
