import { setTimeout as delay } from 'node:timers/promises';

/** A server that runs until it is stopped or ends by itself. */
export interface RunningServer {
  /** Resolves when it has ended, for whatever reason. */
  readonly exited: Promise<void>;
  /** Safe to call after it has ended: then it gives its folder free. */
  stop(): Promise<void>;
}

export interface KeepRunningOptions {
  readonly name: string;
  /** The server as it was started first. */
  readonly server: RunningServer;
  /** Starts it again, under the same address. */
  readonly startAgain: () => Promise<RunningServer>;
  readonly notice: (text: string) => void;
  /** It does not stay up; nobody starts it any more. */
  readonly onGivenUp: (reason: Error) => void;
  /** Waits before the attempts to start it again; when all have failed it is given up. */
  readonly pausesMilliseconds?: readonly number[];
}

const usualPausesMilliseconds: readonly number[] = [100, 500, 1_000, 2_000, 4_000, 8_000];
/** A server that ends more often has something that starting it again does not mend. */
const endsPerMinuteMax = 5;

/**
 * Starts a server again whenever it ends by itself.
 * @returns what stops it for good; safe to call twice, and while it is being started again
 */
export function keepRunning(options: KeepRunningOptions): () => Promise<void> {
  const stopping = new AbortController();
  const watching = watch(options, stopping.signal);
  watching.catch((error: Error) => options.onGivenUp(error));
  return () => {
    stopping.abort();
    return watching;
  };
}

async function watch(options: KeepRunningOptions, signal: AbortSignal): Promise<void> {
  const { name, notice, onGivenUp } = options;
  let server = options.server;
  let ends: number[] = [];
  for (;;) {
    await Promise.race([server.exited, untilAborted(signal)]);
    await server.stop();
    if (signal.aborted) return;
    const now = performance.now();
    ends = [...ends.filter((end) => now - end < 60_000), now];
    if (ends.length > endsPerMinuteMax) return onGivenUp(new Error(`${name} ends again and again by itself`));
    notice(`${name} ended by itself; starting it again`);
    const successor = await startAgain(options, signal);
    if (successor === undefined) return;
    notice(`${name} runs again, after ${((performance.now() - now) / 1_000).toFixed(1)} s`);
    server = successor;
  }
}

async function startAgain(options: KeepRunningOptions, signal: AbortSignal): Promise<RunningServer | undefined> {
  let reason = '';
  for (const pause of options.pausesMilliseconds ?? usualPausesMilliseconds) {
    // Aborting ends the pause early, which is no error here.
    await delay(pause, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return undefined;
    try {
      return await options.startAgain();
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
    }
  }
  options.onGivenUp(new Error(`${options.name} ended and cannot be started again: ${reason}`));
  return undefined;
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
