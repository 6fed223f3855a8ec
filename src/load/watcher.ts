import type { IncomingMessage } from 'node:http';
import { request } from 'node:http';
import { request as requestSecurely } from 'node:https';
import type { EventPlace } from '../domain/event.ts';
import { comparePlaces, decodeCursor } from '../domain/event.ts';
import { shardOf } from '../domain/ids.ts';
import type { Seen } from './history.ts';
import { driverClock } from './history.ts';
import { pause } from './load-client.ts';

const subscription = `subscription Watch($namespace: String!, $after: String) {
  caseUpdated(namespace: $namespace, after: $after) { cursor type case { id } }
}`;
const reconnectMs = 100;
/** Yoga sends a sign of life every twelve seconds; a connection that is silent for longer is dead. */
const silenceMs = 30_000;

export interface WatcherOptions {
  readonly name: string;
  readonly token: string;
  readonly namespace: string;
  readonly urls: readonly string[];
  /** The cursor after which it wants to know everything. */
  readonly after: string;
  readonly record: (seen: Seen) => void;
}

interface Update {
  readonly cursor: string;
  readonly type: string;
  readonly case: { readonly id: string } | null;
}

/**
 * Watches a namespace over event streams, and goes on after its last cursor whenever a stream ends, at whichever gateway
 * answers. What it sees must be every event once.
 */
export class Watcher {
  readonly #options: WatcherOptions;
  readonly #stopping = new AbortController();
  readonly #connected = Promise.withResolvers<void>();
  #cursor: string;
  /** The last place of each shard that was seen. */
  readonly #last = new Map<number, EventPlace>();
  #wake: (() => void) | undefined;
  #loop: Promise<void> | undefined;
  /** How often it had to connect. */
  connections = 0;

  constructor(options: WatcherOptions) {
    this.#options = options;
    this.#cursor = options.after;
  }

  /** Resolves when the first stream is open. */
  start(): Promise<void> {
    this.#loop ??= this.#run();
    return this.#connected.promise;
  }

  /** Resolves when it has seen what stands at these places, one a shard, or after so many milliseconds. */
  async reach(places: ReadonlyMap<number, EventPlace>, milliseconds: number): Promise<void> {
    const deadline = driverClock() + milliseconds;
    while (this.#isBefore(places) && driverClock() < deadline) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, deadline - driverClock());
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  #isBefore(places: ReadonlyMap<number, EventPlace>): boolean {
    return [...places].some(([shard, place]) => {
      const last = this.#last.get(shard);
      return last === undefined || comparePlaces(last, place) < 0;
    });
  }

  async #run(): Promise<void> {
    const { urls } = this.#options;
    const { signal } = this.#stopping;
    for (let turn = 0; !signal.aborted; turn++) {
      await this.#follow(urls[turn % urls.length]!);
      await pause(reconnectMs, signal);
    }
  }

  /** Follows one stream to its end, however it ends. */
  #follow(base: string): Promise<void> {
    const { token, namespace } = this.#options;
    const { promise, resolve } = Promise.withResolvers<void>();
    const url = new URL('/graphql', base);
    const open = url.protocol === 'https:' ? requestSecurely : request;
    const headers = {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      authorization: `Bearer ${token}`,
    };
    const outgoing = open(url, { method: 'POST', headers, agent: false, signal: this.#stopping.signal });
    outgoing.setTimeout(silenceMs, () => outgoing.destroy());
    outgoing.on('response', (response) => this.#read(response, () => outgoing.destroy()));
    // A stream that breaks is followed by the next one; the checker says whether anything got lost.
    outgoing.on('error', () => undefined);
    outgoing.on('close', () => resolve());
    outgoing.end(JSON.stringify({ query: subscription, variables: { namespace, after: this.#cursor } }));
    return promise;
  }

  #read(response: IncomingMessage, end: () => void): void {
    let text = '';
    let opened = false;
    response.setEncoding('utf8').on('data', (chunk: string) => {
      if (!opened && response.statusCode === 200) {
        opened = true;
        this.connections += 1;
        this.#connected.resolve();
      }
      text += chunk;
      for (let cut = text.indexOf('\n\n'); cut >= 0; cut = text.indexOf('\n\n')) {
        if (!this.#take(text.slice(0, cut))) end();
        text = text.slice(cut + 2);
      }
    });
    response.on('error', () => undefined); // its end is the request's
  }

  /** Takes one event of the stream. @returns whether to go on with this stream */
  #take(block: string): boolean {
    const data = block.split('\n').find((line) => line.startsWith('data:'));
    if (data === undefined || data.length <= 'data:'.length + 1) return true;
    const payload = JSON.parse(data.slice('data:'.length)) as { data?: { caseUpdated?: Update } | null };
    const update = payload.data?.caseUpdated;
    if (update === undefined) return false;
    this.#cursor = update.cursor;
    if (update.type === 'RESYNC' || update.case === null) return false;
    const shard = shardOf(update.case.id);
    const place = decodeCursor('cursor', update.cursor).get(shard);
    if (place === undefined) return true; // the next one has it
    this.#options.record({ watcher: this.#options.name, ...place, caseId: update.case.id, type: update.type });
    this.#last.set(shard, place);
    this.#wake?.();
    return true;
  }
}
