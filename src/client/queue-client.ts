import { randomUUID } from 'node:crypto';
import type { ConsumeOptions, ItemHandler } from './consumer.ts';
import { Consumer } from './consumer.ts';
import { withRetries } from './retry.ts';
import type { TransportOptions } from './transport.ts';
import { CaseloadError, Transport } from './transport.ts';

export type { ConsumeOptions, ItemContext, ItemHandler } from './consumer.ts';
export { Consumer, GiveBack } from './consumer.ts';
export { CaseloadError } from './transport.ts';

/** A JSON object. */
export type Metadata = Readonly<Record<string, unknown>>;

export interface NewItem {
  readonly topic: string;
  /** Bytes, or a text, which goes as UTF-8. */
  readonly payload: Uint8Array | string;
  /** Lower is sooner; any 32-bit integer, 0 without it. */
  readonly priority?: number;
  readonly metadata?: Metadata;
  readonly deliverAfter?: Date;
  readonly leaseSeconds?: number;
  readonly ttlSeconds?: number;
  readonly uniqueKey?: string;
}

/** What became of an item: it is enqueued, an open item has its unique key, or it was refused. */
export type EnqueuedItem =
  | { readonly status: 'enqueued'; readonly id: string }
  | { readonly status: 'duplicate'; readonly id: string | null }
  | {
      readonly status: 'refused';
      readonly code: string;
      readonly message: string;
      readonly retryAfterMs: number | null;
    };

export interface DeliveredItem {
  readonly id: string;
  readonly topic: string;
  readonly priority: number;
  /** As it was enqueued; `payload.toString()` for a text. */
  readonly payload: Buffer;
  readonly metadata: Metadata | null;
  readonly attempt: number;
  /** Shown with ack, nack and extension. */
  readonly leaseToken: string;
}

export interface Nack {
  readonly item: Pick<DeliveredItem, 'id' | 'leaseToken'>;
  readonly delaySeconds?: number | undefined;
  readonly metadata?: Metadata | undefined;
  readonly reason?: string | undefined;
}

export interface QueueClientOptions extends TransportOptions {
  readonly namespace: string;
  /** How long an operation is tried again while the service is busy or away; 30,000 without it. */
  readonly retryMs?: number;
}

const retryDefault = 30_000;

const enqueueText = `mutation($input: EnqueueInput!) { enqueue(input: $input) { __typename
  ... on ItemsEnqueued { results { __typename ... on ItemEnqueued { item { id } } ... on DuplicateItem { itemId }
    ... on Problem { code message retryAfterMs } } } ... on Problem { code message } } }`;
const dequeueText = `mutation($input: DequeueInput!) { dequeue(input: $input) { ... on ItemsDequeued {
  items { item { id topic priority payload metadata attempt } lease { token } } } } }`;
const refusedText = '__typename ... on ItemRefused { code message retryAfterMs }';
const ackText = `mutation($input: AckInput!) { ack(input: $input) { ... on ItemsAcked { results { ${refusedText} } } } }`;
const nackText = `mutation($input: NackInput!) { nack(input: $input) { ... on ItemsNacked { results { ${refusedText} } } } }`;
const extendText = `mutation($input: ExtendItemLeaseInput!) { extendItemLease(input: $input) { __typename } }`;

interface EnqueueAnswer {
  readonly __typename: string;
  readonly message?: string;
  readonly results: readonly {
    readonly __typename: string;
    readonly item?: { readonly id: string };
    readonly itemId?: string | null;
    readonly code?: string;
    readonly message?: string;
    readonly retryAfterMs?: number | null;
  }[];
}

interface DequeueAnswer {
  readonly items: readonly {
    readonly item: Omit<DeliveredItem, 'payload' | 'leaseToken'> & { readonly payload: string };
    readonly lease: { readonly token: string };
  }[];
}

interface Results {
  readonly results: readonly {
    readonly __typename: string;
    readonly code?: string;
    readonly message?: string;
    readonly retryAfterMs?: number | null;
  }[];
}

/** The priority queue for programs, over HTTP. Each method throws CaseloadError. */
export class QueueClient {
  readonly #transport: Transport;
  readonly #namespace: string;
  readonly #retryMs: number;

  constructor(options: QueueClientOptions) {
    this.#transport = new Transport(options);
    this.#namespace = options.namespace;
    this.#retryMs = options.retryMs ?? retryDefault;
  }

  /**
   * Enqueues up to 1,000 items; resolves when they are in the record. Tried again while the service is busy or away, under
   * one idempotency key, so that nothing is enqueued twice.
   * @returns what became of each, in order
   */
  async enqueue(
    items: readonly NewItem[],
    options: { readonly idempotencyKey?: string; readonly signal?: AbortSignal } = {},
  ): Promise<readonly EnqueuedItem[]> {
    const input = {
      namespace: this.#namespace,
      idempotencyKey: options.idempotencyKey ?? randomUUID(),
      items: items.map((item) => ({ ...item, payload: Buffer.from(item.payload).toString('base64') })),
    };
    const send = (): Promise<EnqueueAnswer> => this.#transport.send(enqueueText, input, 0, options.signal);
    const answer = await withRetries(this.#retryMs, send, options.signal);
    if (answer.__typename !== 'ItemsEnqueued') throw new TypeError(answer.message ?? answer.__typename);
    return answer.results.map((result): EnqueuedItem => {
      if (result.item !== undefined) return { status: 'enqueued', id: result.item.id };
      if (result.__typename === 'DuplicateItem') return { status: 'duplicate', id: result.itemId ?? null };
      const { code = result.__typename, message = '', retryAfterMs = null } = result;
      return { status: 'refused', code, message, retryAfterMs };
    });
  }

  /** Takes up to `count` items of each topic, and waits up to `waitMs` for the first one. Not tried again. */
  async dequeue(
    requests: readonly { readonly topic: string; readonly count: number }[],
    options: { readonly waitMs?: number; readonly leaseSeconds?: number; readonly signal?: AbortSignal } = {},
  ): Promise<readonly DeliveredItem[]> {
    const { waitMs = 0, leaseSeconds, signal } = options;
    const input = { namespace: this.#namespace, requests, waitMs, leaseSeconds };
    const answer = await this.#transport.send<DequeueAnswer>(dequeueText, input, waitMs, signal);
    return answer.items.map(({ item, lease }) => ({
      ...item,
      payload: Buffer.from(item.payload, 'base64'),
      leaseToken: lease.token,
    }));
  }

  /** Ends items. An ack may be sent again, so it is while the service is away. @returns for each whether it counted */
  async ack(items: readonly Pick<DeliveredItem, 'id' | 'leaseToken'>[]): Promise<readonly boolean[]> {
    return this.#endLeases(
      ackText,
      items.map(({ id, leaseToken }) => ({ itemId: id, leaseToken })),
    );
  }

  /** Gives items back. @returns for each whether it counted; one that was sent again because no answer came may not */
  async nack(nacks: readonly Nack[]): Promise<readonly boolean[]> {
    return this.#endLeases(
      nackText,
      nacks.map(({ item, ...how }) => ({ itemId: item.id, leaseToken: item.leaseToken, ...how })),
    );
  }

  /** Lets a lease end so many seconds from now. @returns false when it has been lost. Not tried again. */
  async extendLease(item: Pick<DeliveredItem, 'id' | 'leaseToken'>, seconds: number): Promise<boolean> {
    const input = { namespace: this.#namespace, itemId: item.id, leaseToken: item.leaseToken, seconds };
    const answer = await this.#transport.send<{ readonly __typename: string }>(extendText, input);
    return answer.__typename === 'LeaseExtended';
  }

  /**
   * Works on items of topics until it is stopped: takes some ahead, keeps their leases alive, hands each to the handler,
   * and ends it when the handler does. An error of the handler gives the item back. Backs off while the service is busy
   * or away.
   */
  consume(topics: string | readonly string[], handler: ItemHandler, options: ConsumeOptions = {}): Consumer {
    return new Consumer(this, typeof topics === 'string' ? [topics] : topics, handler, options);
  }

  /** Sends those again whose shard is away, while there is time; what the others were told stands. */
  async #endLeases(query: string, leases: readonly object[]): Promise<readonly boolean[]> {
    const counted = leases.map(() => false);
    let open = [...leases.keys()];
    await withRetries(this.#retryMs, async () => {
      const input = { namespace: this.#namespace, leases: open.map((index) => leases[index]) };
      const { results } = await this.#transport.send<Results>(query, input);
      for (const [place, { __typename }] of results.entries())
        counted[open[place]!] = __typename !== 'LeaseLost' && __typename !== 'ItemRefused';
      open = open.filter((_, place) => results[place]!.__typename === 'ItemRefused');
      const refused = results.find(({ __typename }) => __typename === 'ItemRefused');
      if (refused === undefined) return;
      const { code = 'UNAVAILABLE', message = '', retryAfterMs } = refused;
      throw new CaseloadError(code, message, retryAfterMs ?? undefined);
    });
    return counted;
  }
}
