import { randomUUID } from 'node:crypto';
import type { DeliveredItem, EnqueuedItem, Nack, NewItem, QueueClientOptions } from '../../client/queue-client.ts';
import { QueueClient } from '../../client/queue-client.ts';
import type { Outcome } from '../history.ts';
import { driverClock } from '../history.ts';
import type { QueueHistory, ToldAct } from './queue-history.ts';

type Lease = Pick<DeliveredItem, 'id' | 'leaseToken'>;

/** The client that other programs use, with an ear on everything that it is told. */
export class RecordingQueueClient extends QueueClient {
  readonly #name: string;
  readonly #history: QueueHistory;

  /** @param name the subject of its token */
  constructor(name: string, history: QueueHistory, options: QueueClientOptions) {
    super(options);
    this.#name = name;
    this.#history = history;
  }

  override async enqueue(
    items: readonly NewItem[],
    options: { readonly idempotencyKey?: string; readonly signal?: AbortSignal } = {},
  ): Promise<readonly EnqueuedItem[]> {
    const key = options.idempotencyKey ?? randomUUID();
    const startedMs = driverClock();
    const tell = (outcome: Outcome, results: readonly EnqueuedItem[]): void =>
      void this.#history.enqueues.push({
        client: this.#name,
        key,
        outcome,
        itemIds: results.map((result) => (result.status === 'enqueued' ? result.id : null)),
        startedMs,
        endedMs: driverClock(),
      });
    try {
      const results = await super.enqueue(items, { ...options, idempotencyKey: key });
      tell('ok', results);
      return results;
    } catch (error) {
      // Any of its tries may have been carried out.
      tell('unknown', []);
      throw error;
    }
  }

  override async dequeue(
    requests: readonly { readonly topic: string; readonly count: number }[],
    options: { readonly waitMs?: number; readonly leaseSeconds?: number; readonly signal?: AbortSignal } = {},
  ): Promise<readonly DeliveredItem[]> {
    const startedMs = driverClock();
    const tell = (outcome: Outcome, items: readonly DeliveredItem[]): void =>
      void this.#history.dequeues.push({
        client: this.#name,
        outcome,
        deliveries: items.map(({ id, attempt, leaseToken }) => ({ itemId: id, attempt, token: leaseToken })),
        startedMs,
        endedMs: driverClock(),
      });
    try {
      const items = await super.dequeue(requests, options);
      tell('ok', items);
      return items;
    } catch (error) {
      tell('unknown', []);
      throw error;
    }
  }

  override async ack(items: readonly Lease[]): Promise<readonly boolean[]> {
    return this.#act('ack', items, () => super.ack(items));
  }

  override async nack(nacks: readonly Nack[]): Promise<readonly boolean[]> {
    const items = nacks.map(({ item }) => item);
    return this.#act('nack', items, () => super.nack(nacks));
  }

  override async extendLease(item: Lease, seconds: number): Promise<boolean> {
    const [alive] = await this.#act('extend', [item], async () => [await super.extendLease(item, seconds)]);
    return alive!;
  }

  async #act(
    verb: ToldAct['verb'],
    leases: readonly Lease[],
    send: () => Promise<readonly boolean[]>,
  ): Promise<readonly boolean[]> {
    const startedMs = driverClock();
    const tell = (outcomes: readonly Outcome[]): void => {
      const endedMs = driverClock();
      for (const [index, { id, leaseToken }] of leases.entries()) {
        const outcome = outcomes[index]!;
        this.#history.acts.push({
          client: this.#name,
          verb,
          outcome,
          itemId: id,
          token: leaseToken,
          startedMs,
          endedMs,
        });
      }
    };
    try {
      const counted = await send();
      // A nack that was sent again because no answer came is told that its lease is lost when the first one counted.
      tell(counted.map((done) => (done ? 'ok' : verb === 'nack' ? 'unknown' : 'fail')));
      return counted;
    } catch (error) {
      tell(leases.map(() => 'unknown'));
      throw error;
    }
  }
}
