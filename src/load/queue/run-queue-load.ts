import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { issueToken } from '../../auth/tokens.ts';
import type { Consumer, DeliveredItem, NewItem } from '../../client/queue-client.ts';
import { CaseloadError, GiveBack } from '../../client/queue-client.ts';
import type { StuckRule } from '../checks/check-stuck.ts';
import type { Findings } from '../findings.ts';
import { driverClock } from '../history.ts';
import { LoadError, pause } from '../load-client.ts';
import type { Random } from '../random.ts';
import { createRandom, pickOne } from '../random.ts';
import type { Target } from '../run-load.ts';
import { checkQueue } from './check-queue.ts';
import { nackDelaySecondsMax } from './check-stuck-items.ts';
import { QueueHistory } from './queue-history.ts';
import type { QueueLedger } from './queue-ledger.ts';
import { countOpenItems, readQueueLedger } from './queue-ledger.ts';
import { RecordingQueueClient } from './recording-client.ts';

/** How consumers and producers behave, in shares of the items or calls, from 0 to 1. */
export interface QueueHabits {
  /** Handlers that fail: half of them give the item back for a while, half throw. */
  readonly fails: number;
  /** Handlers that take longer than a lease, which is extended meanwhile. */
  readonly lingers: number;
  /** Batches that are sent twice at the same moment, under one key, to two gateways. */
  readonly doubles: number;
  /** Consumers beside the others, each with one item at a time, that acknowledge after their lease has ended. */
  readonly dawdlers: number;
}

export interface QueueLoadPlan {
  readonly namespace: string;
  /** At least so many; more are enqueued while what runs alongside is not done. */
  readonly items: number;
  readonly producers: number;
  readonly consumers: number;
  /** Items of one call at most. */
  readonly batchMax: number;
  readonly topics: number;
  readonly leaseSeconds: number;
  readonly waitMs: number;
  /** Producers wait while so many are not handled. */
  readonly backlogMax: number;
  readonly habits: QueueHabits;
  readonly seed: number;
  /** How long nothing may get on before the run is given up, in milliseconds. */
  readonly stallMs: number;
  readonly stuckRule: StuckRule;
}

export interface QueueProgress {
  readonly enqueued: number;
  readonly acked: number;
  readonly items: number;
}

export interface QueueLoadResult extends QueueProgress {
  readonly plan: QueueLoadPlan;
  readonly findings: Findings;
  readonly history: QueueHistory;
  readonly ledger: QueueLedger;
  /** From the first enqueue to the last ack. */
  readonly seconds: number;
  /** Why the run ended before everything was out of the queue. */
  readonly gaveUp: string | undefined;
}

export interface QueueLoadHooks {
  readonly onProgress?: (progress: QueueProgress) => void;
  /** Runs along with the load; the producers go on until it is done. Its disturbances count. */
  readonly alongside?: (history: QueueHistory, signal: AbortSignal) => Promise<void>;
}

const tokenSeconds = 86_400;
/** How long a client tries at one gateway before it goes to another. */
const triesMs = 2_000;
const answerMs = 5_000;
const lookMs = 200;
const openLookMs = 300;
const consumerConcurrency = 8;
const prioritySpan = 20;

/**
 * Enqueues items and consumes them, all by the client that other programs use, then reads the record of all shards and
 * judges what happened.
 * @throws LoadError when the service refuses what it should accept
 */
export async function runQueueLoad(
  plan: QueueLoadPlan,
  target: Target,
  hooks: QueueLoadHooks = {},
): Promise<QueueLoadResult> {
  return new QueueLoadRun(plan, target, hooks).run();
}

class QueueLoadRun {
  readonly #plan: QueueLoadPlan;
  readonly #target: Target;
  readonly #hooks: QueueLoadHooks;
  readonly #history = new QueueHistory();
  readonly #over = new AbortController();
  readonly #topics: readonly string[];
  #handedOut = 0;
  #enqueued = 0;
  #acked = 0;
  /** Whether what runs alongside is over. */
  #calm = false;
  /** Whether all is enqueued: what is left is to be worked off. */
  #produced = false;
  #movedMs = driverClock();
  #gaveUp: string | undefined;

  constructor(plan: QueueLoadPlan, target: Target, hooks: QueueLoadHooks) {
    this.#plan = plan;
    this.#target = target;
    this.#hooks = hooks;
    this.#topics = Array.from({ length: plan.topics }, (_, n) => `load-${n + 1}`);
  }

  async run(): Promise<QueueLoadResult> {
    const plan = this.#plan;
    const startedMs = driverClock();
    const stallTimer = setInterval(() => this.#lookForStall(), lookMs);
    const consumers: Consumer[] = [];
    const failures: unknown[] = [];
    const guard = (work: Promise<void>): Promise<void> =>
      work.catch((error: unknown) => {
        if (this.#over.signal.aborted && failures.length > 0) return;
        failures.push(error);
        this.#over.abort();
      });
    try {
      const dawdlers = (await this.#startDawdlers()).map(guard);
      consumers.push(...(await this.#startConsumers()));
      const alongside = (this.#hooks.alongside?.(this.#history, this.#over.signal) ?? Promise.resolve()).finally(() => {
        this.#calm = true;
      });
      const producers = Array.from({ length: plan.producers }, (_, n) => guard(this.#produce(n)));
      await Promise.all([guard(alongside), ...producers]);
      this.#produced = true;
      await guard(this.#waitUntilEmpty());
      this.#over.abort();
      await Promise.all(dawdlers);
    } finally {
      this.#over.abort();
      clearInterval(stallTimer);
      await Promise.all(consumers.map((consumer) => consumer.stop(1_000)));
    }
    if (failures.length > 0) throw failures[0];
    const seconds = (this.#movedMs - startedMs) / 1_000;
    const ledger = await readQueueLedger(this.#target.databaseUrls, plan.namespace);
    if (ledger.every(({ events }) => events.length === 0))
      throw new LoadError(
        'The databases that the checker reads have none of the items: DATABASE_URLS names others than the gateways use',
      );
    const findings = checkQueue(this.#history, ledger, plan.stuckRule);
    const gaveUp = this.#gaveUp;
    return { ...this.#progress(), plan, findings, history: this.#history, ledger, seconds, gaveUp };
  }

  #progress(): QueueProgress {
    return { enqueued: this.#enqueued, acked: this.#acked, items: this.#plan.items };
  }

  /** Enqueues batch after batch, each under a key of its own, until there are enough and nothing is killed any more. */
  async #produce(number: number): Promise<void> {
    const { items, batchMax, backlogMax, habits, seed } = this.#plan;
    const name = `producer-${number + 1}`;
    const random = createRandom(seed, name);
    const clients = await this.#openClients(name, 'producer');
    const { signal } = this.#over;
    for (let batch = 0; (this.#handedOut < items || !this.#calm) && !signal.aborted; batch++) {
      if (this.#handedOut - this.#history.handled.size > backlogMax) {
        await pause(20, signal);
        continue;
      }
      const wanted = this.#handedOut < items ? Math.min(batchMax, items - this.#handedOut) : batchMax;
      const size = 1 + Math.floor(random() * wanted);
      this.#handedOut += size;
      const batchItems = Array.from({ length: size }, () => this.#makeItem(random));
      const key = `${name}-${batch}-${randomUUID()}`;
      const first = number + batch;
      const twice = random() < habits.doubles;
      const results = await Promise.all(
        (twice ? [first, first + 1] : [first]).map((at) => this.#enqueue(clients, at, batchItems, key)),
      );
      if (results[0] === undefined) return;
      this.#enqueued += results[0];
      this.#move();
    }
  }

  #makeItem(random: Random): NewItem {
    return {
      topic: pickOne(random, this.#topics),
      payload: `item ${Math.floor(random() * 1_000_000)}`,
      priority: Math.floor(random() * prioritySpan) - prioritySpan / 2,
      ...(random() < 0.05 ? { deliverAfter: new Date(Date.now() + random() * 500) } : {}),
    };
  }

  /** Until there is an answer, at one gateway after the other, always under the same key. @returns how many are enqueued */
  async #enqueue(
    clients: readonly RecordingQueueClient[],
    first: number,
    items: readonly NewItem[],
    idempotencyKey: string,
  ): Promise<number | undefined> {
    const { signal } = this.#over;
    for (let turn = first; !signal.aborted; turn++) {
      try {
        const results = await clients[turn % clients.length]!.enqueue(items, { idempotencyKey });
        return results.filter(({ status }) => status === 'enqueued').length;
      } catch (error) {
        if (!mayHelp(error)) throw new LoadError(`enqueue was refused: ${String(error)}`);
        await pause(50, signal);
      }
    }
    return undefined;
  }

  async #startConsumers(): Promise<Consumer[]> {
    const { consumers, leaseSeconds, waitMs, habits, seed } = this.#plan;
    return Promise.all(
      Array.from({ length: consumers }, async (_, n) => {
        const name = `consumer-${n + 1}`;
        const random = createRandom(seed, name);
        const clients = await this.#openClients(name, 'consumer');
        const handle = async (item: DeliveredItem, { signal }: { readonly signal: AbortSignal }): Promise<void> => {
          if (random() < habits.lingers) await pause(leaseSeconds * 1_200, signal);
          if (signal.aborted) throw new Error('the lease was lost');
          if (random() < habits.fails) {
            if (random() < 0.5) throw new Error('failed by chance');
            throw new GiveBack('not now', { delaySeconds: nackDelaySecondsMax });
          }
          this.#history.handled.add(item.id);
          this.#acked = this.#history.handled.size;
          this.#move();
        };
        return clients[n % clients.length]!.consume(this.#topics, handle, {
          concurrency: consumerConcurrency,
          leaseSeconds,
          waitMs,
        });
      }),
    );
  }

  async #startDawdlers(): Promise<Promise<void>[]> {
    return Promise.all(
      Array.from({ length: this.#plan.habits.dawdlers }, async (_, n) => {
        const name = `dawdler-${n + 1}`;
        const clients = await this.#openClients(name, 'consumer');
        return this.#dawdle(clients[n % clients.length]!);
      }),
    ).then((loops) => loops.map((loop) => loop()));
  }

  /** Holds one item at a time for longer than its lease, and acknowledges it then: which must not count. */
  #dawdle(client: RecordingQueueClient): () => Promise<void> {
    const { signal } = this.#over;
    const { waitMs } = this.#plan;
    return async () => {
      for (let turn = 0; !signal.aborted && !this.#produced; turn++) {
        try {
          const requests = [{ topic: this.#topics[turn % this.#topics.length]!, count: 1 }];
          const items = await client.dequeue(requests, { waitMs, leaseSeconds: 1, signal });
          for (const item of items) {
            await pause(1_400, signal);
            await client.ack([item]);
          }
        } catch (error) {
          if (signal.aborted) return;
          if (!mayHelp(error)) throw error;
          await pause(200, signal);
        }
      }
    };
  }

  async #openClients(name: string, role: 'producer' | 'consumer'): Promise<readonly RecordingQueueClient[]> {
    const { authSecret, authIssuer, authAudience, urls } = this.#target;
    const { namespace } = this.#plan;
    const token = await issueToken({
      subject: name,
      namespace,
      roles: [role],
      secret: authSecret,
      expiresInSeconds: tokenSeconds,
      issuer: authIssuer,
      audience: authAudience,
    });
    // A producer goes on at another gateway; a consumer stays with its own until that is back.
    const retryMs = role === 'producer' ? triesMs : 30_000;
    return urls.map(
      (url) => new RecordingQueueClient(name, this.#history, { url, token, namespace, retryMs, timeoutMs: answerMs }),
    );
  }

  /** Until the record has no item of the run any more. */
  async #waitUntilEmpty(): Promise<void> {
    while (!this.#over.signal.aborted) {
      const open = await countOpenItems(this.#target.databaseUrls, this.#plan.namespace);
      if (open === 0) return;
      await delay(openLookMs);
    }
  }

  #move(): void {
    this.#movedMs = driverClock();
    this.#hooks.onProgress?.(this.#progress());
  }

  #lookForStall(): void {
    const { stallMs } = this.#plan;
    if (driverClock() - this.#movedMs < stallMs || this.#over.signal.aborted) return;
    this.#gaveUp = `nothing got on for ${stallMs / 1_000} s: ${this.#enqueued} items enqueued, ${this.#acked} handled`;
    this.#over.abort();
  }
}

function mayHelp(error: unknown): boolean {
  return error instanceof CaseloadError && error.retryAfterMs !== undefined;
}
