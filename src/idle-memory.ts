import { Session } from 'node:inspector';
import { getHeapSpaceStatistics } from 'node:v8';
import type { Service } from './lifecycle.ts';
import type { Logger } from './log.ts';

const lookMilliseconds = 3_000;
/** At rest: so many looks in a row at which less than this part of one processor was used since the one before. */
const restingLooks = 5;
const restingLoad = 0.05;
/** Below this much of young generation there is nothing worth a pause. */
const youngBytesMax = 16 * 1_024 * 1_024;

/**
 * Gives memory back when a busy time is over. Under load V8 lets the young generation grow to 134 MB, and that is worth
 * it (with 8 MB, `register` cost 25 % more processor time); but it keeps them when only waiting claimers and
 * subscriptions are left. A full collection, some 60 ms once after each busy time, shrinks it.
 */
export class IdleMemory implements Service {
  readonly name = 'idle memory';
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;
  #looks = 0;

  constructor(log: Logger) {
    this.#log = log;
  }

  async start(): Promise<void> {
    let before = process.cpuUsage();
    this.#timer = setInterval(() => {
      const used = process.cpuUsage(before);
      before = process.cpuUsage();
      this.#look((used.user + used.system) / 1_000 / lookMilliseconds);
    }, lookMilliseconds).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
  }

  #look(load: number): void {
    this.#looks = load < restingLoad ? this.#looks + 1 : 0;
    if (this.#looks < restingLooks || readYoungBytes() <= youngBytesMax) return;
    this.#looks = 0;
    collectGarbage((error) => {
      if (error !== null) this.#log.warn({ err: error }, 'could not give memory back');
      else this.#log.debug({ youngBytes: readYoungBytes() }, 'gave memory back after a busy time');
    });
  }
}

function readYoungBytes(): number {
  return getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')?.space_size ?? 0;
}

/** The collection that V8 makes when the system says that memory is short; no other shrinks the young generation. */
function collectGarbage(onDone: (error: Error | null) => void): void {
  const session = new Session();
  session.connect();
  session.post('HeapProfiler.collectGarbage', (error) => {
    // Within its own callback a session cannot be closed: the process would hang.
    setImmediate(() => {
      session.disconnect();
      onDone(error);
    });
  });
}
