/** Why a running task is told to stop. */
export type StopReason = 'TIME' | 'LOST' | 'STOPPING';

export interface RunningTaskOptions {
  readonly leaseMilliseconds: number;
  readonly timeLimitMilliseconds: number;
  /** Extends the lease. False: it is lost. Throws when nobody knows. */
  readonly beat: () => Promise<boolean>;
  /** A clock that only goes forward, in milliseconds. */
  readonly now: () => number;
}

const retryMilliseconds = 1_000;

/**
 * The life of one attempt in its worker: a signal for the handler, which is aborted when the time is up, the lease is
 * lost, or the worker stops; and the heartbeats that keep the lease until `close`.
 */
export class RunningTask {
  readonly #options: RunningTaskOptions;
  readonly #controller = new AbortController();
  readonly #timeLimit: NodeJS.Timeout;
  /** Settles when the attempt is to stop, with the first reason. */
  readonly stopped: Promise<StopReason>;
  #reason: StopReason | undefined;
  #settle: (reason: StopReason) => void;
  #nextBeat: NodeJS.Timeout | undefined;
  #leaseEndsAt: number;
  #closed = false;

  constructor(options: RunningTaskOptions) {
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<StopReason>();
    this.stopped = promise;
    this.#settle = resolve;
    this.#leaseEndsAt = options.now() + options.leaseMilliseconds;
    this.#timeLimit = setTimeout(() => this.stop('TIME'), options.timeLimitMilliseconds);
    this.#beatAfter(options.leaseMilliseconds / 3);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Why it was told to stop, if it was. */
  get reason(): StopReason | undefined {
    return this.#reason;
  }

  /** Whether the lease is lost as far as is known here. The record has the last word. */
  get lost(): boolean {
    return this.#reason === 'LOST' || this.#options.now() >= this.#leaseEndsAt;
  }

  stop(reason: StopReason): void {
    // A lease may still be lost after the time was up; nothing else comes after a first reason.
    if (this.#reason === undefined || reason === 'LOST') this.#reason = reason;
    clearTimeout(this.#timeLimit);
    this.#settle(reason);
    this.#controller.abort(new Error(`The task was stopped: ${reason}`));
  }

  /** The attempt has ended in the record: no more heartbeats. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timeLimit);
    clearTimeout(this.#nextBeat);
  }

  #beatAfter(milliseconds: number): void {
    if (!this.#closed) this.#nextBeat = setTimeout(() => void this.#beat(), milliseconds);
  }

  async #beat(): Promise<void> {
    const { beat, now, leaseMilliseconds } = this.#options;
    const sentAt = now();
    let kept: boolean | undefined;
    try {
      kept = await beat();
    } catch {
      kept = undefined; // the record cannot be reached: the lease runs on, and so do the attempts to extend it
    }
    if (this.#closed) return;
    if (kept === true) this.#leaseEndsAt = sentAt + leaseMilliseconds;
    if (kept === false || now() >= this.#leaseEndsAt) this.stop('LOST');
    else this.#beatAfter(kept === true ? leaseMilliseconds / 3 : Math.min(retryMilliseconds, leaseMilliseconds / 6));
  }
}
