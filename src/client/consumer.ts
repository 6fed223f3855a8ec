import { setTimeout as delay } from 'node:timers/promises';
import type { DeliveredItem, Metadata, QueueClient } from './queue-client.ts';
import { retryWaitMs } from './retry.ts';
import { CaseloadError } from './transport.ts';

export interface ItemContext {
  /** Aborted when the lease is lost, or a stop does not wait any longer: what is done from then on does not count. */
  readonly signal: AbortSignal;
}

export type ItemHandler = (item: DeliveredItem, context: ItemContext) => unknown;

export interface ConsumeOptions {
  /** Handlers at once; 10 without it. */
  readonly concurrency?: number;
  /** Items taken ahead of the handlers; as many as run without it. They count as delivered. */
  readonly prefetch?: number;
  /** Extended while an item is held; 60 without it. What a consumer that dies holds is delivered again after this long. */
  readonly leaseSeconds?: number;
  /** How long one request waits for the first item; 20,000 without it. */
  readonly waitMs?: number;
  /** Hears what went wrong: errors of the handler, of the service, and leases that were lost. */
  readonly onError?: (error: unknown, item?: DeliveredItem) => void;
}

/** Thrown by a handler to give its item back on its own terms. */
export class GiveBack extends Error {
  override readonly name = 'GiveBack';
  readonly delaySeconds: number | undefined;
  readonly metadata: Metadata | undefined;

  constructor(reason: string, how: { readonly delaySeconds?: number; readonly metadata?: Metadata } = {}) {
    super(reason);
    this.delaySeconds = how.delaySeconds;
    this.metadata = how.metadata;
  }
}

interface Held {
  readonly item: DeliveredItem;
  readonly controller: AbortController;
  extendAt: number;
  lost: boolean;
}

const callItemsMax = 1_000;
const reasonCharacters = 2_000;
/** A lease is extended when this part of it has passed. */
const extendAfter = 1 / 3;
const heartbeatsAtOnce = 50;

/** Takes items and hands them to a handler until it is stopped. */
export class Consumer {
  readonly #client: QueueClient;
  readonly #topics: readonly string[];
  readonly #handler: ItemHandler;
  readonly #concurrency: number;
  readonly #heldMax: number;
  /** So many places must be free before more is taken, while there is still something ahead of the handlers. */
  readonly #refillAt: number;
  readonly #leaseSeconds: number;
  readonly #waitMs: number;
  readonly #onError: (error: unknown, item?: DeliveredItem) => void;
  readonly #stopping = new AbortController();
  readonly #waiting: Held[] = [];
  readonly #running = new Set<Held>();
  readonly #held = new Set<Held>();
  readonly #acks: Held[] = [];
  readonly #heartbeat: NodeJS.Timeout;
  readonly #loop: Promise<void>;
  #acking: Promise<void> | undefined;
  #nacking = new Set<Promise<void>>();
  #room: (() => void) | undefined;
  #idle: (() => void) | undefined;
  #beating = false;

  constructor(client: QueueClient, topics: readonly string[], handler: ItemHandler, options: ConsumeOptions) {
    this.#client = client;
    this.#topics = topics;
    this.#handler = handler;
    this.#concurrency = options.concurrency ?? 10;
    const prefetch = options.prefetch ?? this.#concurrency;
    this.#heldMax = Math.min(callItemsMax, this.#concurrency + prefetch);
    this.#refillAt = Math.max(1, Math.floor(prefetch / 2));
    this.#leaseSeconds = options.leaseSeconds ?? 60;
    this.#waitMs = options.waitMs ?? 20_000;
    this.#onError = options.onError ?? (() => undefined);
    this.#heartbeat = setInterval(() => void this.#beat(), Math.max(100, (this.#leaseSeconds * 1_000) / 10));
    this.#loop = this.#take();
  }

  /** Items that handlers work on now. */
  get running(): number {
    return this.#running.size;
  }

  /**
   * Takes nothing new, gives back what no handler has begun, and waits for the handlers. After `graceMs` (20,000) it
   * aborts those that still run and gives their items back.
   */
  async stop(graceMs = 20_000): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    for (const held of this.#waiting.splice(0)) this.#giveBack(held, 'The consumer was stopped', 0);
    if (this.#running.size > 0) {
      const finished = new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
      const timer = new AbortController();
      await Promise.race([finished, delay(graceMs, undefined, { signal: timer.signal }).catch(() => undefined)]);
      timer.abort();
    }
    for (const held of [...this.#running]) {
      this.#running.delete(held);
      held.controller.abort();
      this.#giveBack(held, 'The consumer was stopped', 0);
    }
    while (this.#acking !== undefined || this.#nacking.size > 0) await Promise.all([this.#acking, ...this.#nacking]);
    clearInterval(this.#heartbeat);
  }

  async #take(): Promise<void> {
    const { signal } = this.#stopping;
    let failures = 0;
    while (!signal.aborted) {
      const free = this.#heldMax - this.#held.size;
      // Not one by one: a request for each place that becomes free would cost more than most handlers do.
      if (free <= 0 || (free < this.#refillAt && this.#waiting.length > 0)) {
        await new Promise<void>((resolve) => {
          this.#room = resolve;
          signal.addEventListener('abort', () => resolve(), { once: true });
        });
        continue;
      }
      try {
        // The free places are shared among the topics; what is left over goes to the first ones.
        const share = Math.floor(free / this.#topics.length);
        const more = free % this.#topics.length;
        const requests = this.#topics
          .map((topic, index) => ({ topic, count: share + (index < more ? 1 : 0) }))
          .filter(({ count }) => count > 0);
        const items = await this.#client.dequeue(requests, {
          waitMs: this.#waitMs,
          leaseSeconds: this.#leaseSeconds,
          signal,
        });
        failures = 0;
        for (const item of items) this.#hold(item);
        this.#work();
      } catch (error) {
        if (signal.aborted) return;
        this.#onError(error);
        failures += 1;
        const known = error instanceof CaseloadError ? error : new CaseloadError('CLIENT', String(error));
        await delay(retryWaitMs(known, failures), undefined, { signal }).catch(() => undefined);
      }
    }
  }

  #hold(item: DeliveredItem): void {
    const extendAt = performance.now() + this.#leaseSeconds * 1_000 * extendAfter;
    const held: Held = { item, controller: new AbortController(), extendAt, lost: false };
    this.#held.add(held);
    this.#waiting.push(held);
  }

  #work(): void {
    while (this.#running.size < this.#concurrency) {
      const held = this.#waiting.shift();
      if (held === undefined) return;
      if (held.lost) continue;
      this.#running.add(held);
      void this.#run(held);
    }
  }

  async #run(held: Held): Promise<void> {
    try {
      await this.#handler(held.item, { signal: held.controller.signal });
      if (this.#running.delete(held) && !held.lost) this.#ack(held);
    } catch (error) {
      this.#onError(error, held.item);
      if (this.#running.delete(held) && !held.lost) {
        const { delaySeconds, metadata } = error instanceof GiveBack ? error : {};
        this.#giveBack(held, error instanceof Error ? error.message : String(error), delaySeconds, metadata);
      }
    }
    this.#release(held);
    this.#work();
    if (this.#running.size === 0) this.#idle?.();
  }

  /** Its place is free for another one, though its ack may still be under way. */
  #release(held: Held): void {
    this.#held.delete(held);
    const room = this.#room;
    this.#room = undefined;
    room?.();
  }

  #ack(held: Held): void {
    this.#acks.push(held);
    this.#acking ??= this.#sendAcks();
  }

  /** What comes while one call runs goes together into the next. */
  async #sendAcks(): Promise<void> {
    // After the current round: whatever was finished together goes together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#acks.length > 0) {
      const batch = this.#acks.splice(0, callItemsMax);
      try {
        const counted = await this.#client.ack(batch.map(({ item }) => item));
        for (const [index, { item }] of batch.entries()) if (counted[index] === false) this.#onError(leaseLost(), item);
      } catch (error) {
        // Their leases end, and they are delivered again.
        for (const { item } of batch) this.#onError(error, item);
      }
    }
    this.#acking = undefined;
  }

  #giveBack(held: Held, reason: string, delaySeconds?: number, metadata?: Metadata): void {
    this.#held.delete(held);
    const nack = { item: held.item, delaySeconds, metadata, reason: reason.slice(0, reasonCharacters) };
    const sending = this.#client.nack([nack]).then(
      () => undefined,
      (error: unknown) => this.#onError(error, held.item),
    );
    this.#nacking.add(sending);
    void sending.finally(() => this.#nacking.delete(sending));
  }

  /** Extends what is held for a while already, waiting or worked on. */
  async #beat(): Promise<void> {
    if (this.#beating) return;
    this.#beating = true;
    const now = performance.now();
    const due = [...this.#held].filter((held) => held.extendAt <= now && !held.lost);
    for (let start = 0; start < due.length; start += heartbeatsAtOnce)
      await Promise.all(due.slice(start, start + heartbeatsAtOnce).map((held) => this.#extend(held)));
    this.#beating = false;
  }

  async #extend(held: Held): Promise<void> {
    try {
      const alive = await this.#client.extendLease(held.item, this.#leaseSeconds);
      held.extendAt = performance.now() + this.#leaseSeconds * 1_000 * extendAfter;
      if (alive || !this.#held.has(held)) return;
      held.lost = true;
      held.controller.abort();
      if (!this.#running.has(held)) this.#release(held);
      this.#onError(leaseLost(), held.item);
    } catch (error) {
      this.#onError(error, held.item); // tried again with the next beat
    }
  }
}

function leaseLost(): CaseloadError {
  return new CaseloadError('LEASE_LOST', 'The lease of the item has ended: it is delivered again');
}
