import { setTimeout as delay } from 'node:timers/promises';
import type { Consumer } from '../src/client/consumer.ts';
import { QueueClient } from '../src/client/queue-client.ts';
import { createRandom } from '../src/load/random.ts';
import { answerParent } from './child.ts';
import { HttpCaller } from './http-caller.ts';
import { namespace } from './operations.ts';
import type { HeldItem } from './queue-operations.ts';
import {
  countWord,
  prepareAck,
  prepareDequeue,
  prepareEnqueue,
  prepareStamped,
  queueTopic,
  readItems,
} from './queue-operations.ts';
import type { Measurement } from './recorder.ts';
import { Recorder } from './recorder.ts';

export interface QueuePlan {
  readonly port: number;
  readonly token: string;
  /**
   * `enqueue`, and `dequeue` with ack: each caller waits for its answer before it asks again. `cycle`: enqueue, dequeue,
   * ack, so that the backlog stays as it is. `deliver`: items come by a fixed schedule, consumers wait for them; times
   * are counted from the moment when an item was to be enqueued. `consume`: the client for programs runs a handler that
   * does nothing, `callers` at once, with `batch` items ahead.
   */
  readonly work: 'enqueue' | 'dequeue' | 'cycle' | 'deliver' | 'consume';
  readonly callers: number;
  /** Items in one request. */
  readonly batch: number;
  /** For `deliver`. */
  readonly itemsPerSecond: number;
  readonly warmUpSeconds: number;
  readonly measureSeconds: number;
}

const settleMilliseconds = 3_000;
const waitMs = 20_000;
const dryMilliseconds = 500;
const consumersOfDelivery = 8;
/** Ready-made requests that a caller sends in turn: to make them anew would cost as much as to answer them. */
const requestsPerCaller = 4;

if (import.meta.main) answerParent<QueuePlan, Measurement>(drive);

async function drive(plan: QueuePlan, onMeasuring: () => void): Promise<Measurement> {
  const run = new QueueRun(plan);
  try {
    await run.begin();
    await Promise.race([delay(plan.warmUpSeconds * 1_000), run.stopped]);
    run.recorder.start();
    onMeasuring();
    await Promise.race([delay(plan.measureSeconds * 1_000), run.stopped]);
    run.recorder.end();
    await run.settle();
    return run.recorder.result();
  } finally {
    run.close();
  }
}

class QueueRun {
  readonly recorder = new Recorder();
  readonly #plan: QueuePlan;
  readonly #stop = Promise.withResolvers<void>();
  readonly #callers: HttpCaller[] = [];
  readonly #random = createRandom(1, 'bench');
  #timer: NodeJS.Timeout | undefined;
  #consumer: Consumer | undefined;
  #over = false;

  constructor(plan: QueuePlan) {
    this.#plan = plan;
  }

  get stopped(): Promise<void> {
    return this.#stop.promise;
  }

  async begin(): Promise<void> {
    const { work, callers } = this.#plan;
    if (work === 'deliver') return this.#beginDelivery();
    if (work === 'consume') return this.#beginConsuming();
    for (let index = 0; index < callers; index += 1) {
      const caller = await this.#open();
      if (work === 'enqueue') this.#enqueue(caller, () => this.#again(() => this.#start(caller)));
      else this.#start(caller);
    }
  }

  async settle(): Promise<void> {
    this.#over = true;
    clearInterval(this.#timer);
    await this.#consumer?.stop(settleMilliseconds);
    const settled = Promise.all(this.#callers.map((caller) => caller.settled()));
    await Promise.race([settled, delay(this.#plan.work === 'deliver' ? 0 : settleMilliseconds)]);
  }

  close(): void {
    this.#over = true;
    clearInterval(this.#timer);
    for (const caller of this.#callers) caller.close();
  }

  #start(caller: HttpCaller): void {
    const again = (): void => this.#again(() => this.#start(caller));
    if (this.#plan.work === 'enqueue') this.#enqueue(caller, again);
    else if (this.#plan.work === 'dequeue') this.#dequeue(caller, again);
    else this.#enqueue(caller, () => this.#again(() => this.#dequeue(caller, again)));
  }

  #again(next: () => void): void {
    if (!this.#over) next();
  }

  readonly #requests = new Map<HttpCaller, { readonly texts: readonly string[]; next: number }>();

  #enqueue(caller: HttpCaller, then: () => void): void {
    const { token, batch, work } = this.#plan;
    let own = this.#requests.get(caller);
    if (own === undefined) {
      const texts = Array.from({ length: requestsPerCaller }, () => prepareEnqueue(token, batch, this.#random));
      own = { texts, next: 0 };
      this.#requests.set(caller, own);
    }
    const request = own.texts[own.next]!;
    own.next = (own.next + 1) % own.texts.length;
    const begunAt = performance.now();
    caller.exchange(request, (body, status) => {
      if (countWord(body, '"ItemEnqueued"') !== batch) return this.#fail('enqueue', body, status);
      this.recorder.answered('enqueue', begunAt);
      if (work === 'enqueue') this.#complete(batch);
      then();
    });
  }

  #dequeue(caller: HttpCaller, then: () => void): void {
    const { token, batch } = this.#plan;
    const begunAt = performance.now();
    caller.exchange(prepareDequeue(token, batch), (body, status) => {
      if (!body.includes('"items"')) return this.#fail('dequeue', body, status);
      const items = readItems(body);
      if (items.length === 0) {
        this.recorder.end(true);
        this.#stop.resolve();
        return;
      }
      this.recorder.answered('dequeue', begunAt);
      this.#ack(caller, items, then);
    });
  }

  #ack(caller: HttpCaller, items: readonly HeldItem[], then: () => void): void {
    const begunAt = performance.now();
    caller.exchange(prepareAck(this.#plan.token, items), (body, status) => {
      if (countWord(body, '"ItemAcked"') !== items.length) return this.#fail('ack', body, status);
      this.recorder.answered('ack', begunAt);
      if (this.#plan.work !== 'deliver') this.#complete(items.length);
      then();
    });
  }

  async #beginDelivery(): Promise<void> {
    const { token, itemsPerSecond } = this.#plan;
    for (let index = 0; index < consumersOfDelivery; index += 1) this.#consume(await this.#open());
    const idle: HttpCaller[] = [];
    for (let index = 0; index < this.#plan.callers; index += 1) idle.push(await this.#open());
    const startedAt = performance.now();
    let sent = 0;
    // The schedule stands whatever the answers do; who is late is late from when it was due.
    this.#timer = setInterval(() => {
      for (; ; sent += 1) {
        const due = startedAt + (sent * 1_000) / itemsPerSecond;
        if (due > performance.now()) return;
        const caller = idle.pop();
        if (caller === undefined) return;
        caller.exchange(prepareStamped(token, String(due)), (body, status) => {
          if (!body.includes('"ItemEnqueued"')) return this.#fail('enqueue', body, status);
          idle.push(caller);
        });
      }
    }, 1);
  }

  #consume(caller: HttpCaller): void {
    caller.exchange(prepareDequeue(this.#plan.token, 10, waitMs), (body, status) => {
      if (!body.includes('"items"')) return this.#fail('dequeue', body, status);
      const items = readItems(body);
      for (const item of items) {
        this.recorder.answered('delivery', Number(atob(item.payload)));
        this.#complete(1);
      }
      const again = (): void => this.#again(() => this.#consume(caller));
      if (items.length === 0) again();
      else this.#ack(caller, items, again);
    });
  }

  async #beginConsuming(): Promise<void> {
    const { port, token, callers, batch } = this.#plan;
    const client = new QueueClient({ url: `http://127.0.0.1:${port}`, token, namespace });
    // What is laid out by SQL calls nobody: a look that does not wait finds it.
    await client.ack(await client.dequeue([{ topic: queueTopic, count: 1 }], { waitMs: 0 }));
    let last = performance.now();
    this.#consumer = client.consume(
      queueTopic,
      () => {
        last = performance.now();
        this.#complete(1);
      },
      { concurrency: callers, prefetch: batch, waitMs, onError: (error) => this.#stop.reject(error) },
    );
    // It waits when there is nothing left, and nobody is told.
    this.#timer = setInterval(() => {
      if (performance.now() - last < dryMilliseconds) return;
      this.recorder.end(true);
      this.#stop.resolve();
    }, 50);
  }

  #complete(items: number): void {
    for (let item = 0; item < items; item += 1) this.recorder.completed();
  }

  async #open(): Promise<HttpCaller> {
    const caller = await HttpCaller.open(this.#plan.port, this.#stop.reject);
    this.#callers.push(caller);
    return caller;
  }

  /** Any other answer than the expected one makes the figures worthless. */
  #fail(what: string, body: string, status: number): void {
    if (this.#over) return;
    this.#over = true;
    this.#stop.reject(new Error(`${what} was answered with ${status}: ${body.slice(0, 500)}`));
  }
}
