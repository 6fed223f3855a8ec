import { setTimeout as delay } from 'node:timers/promises';
import { CaseloadError } from './transport.ts';

const firstWaitMs = 100;
const longestWaitMs = 10_000;

/** The wait before attempt `attempt` (from 1) is made again: what the service asks for, longer each time, never alike. */
export function retryWaitMs(error: CaseloadError, attempt: number): number {
  const growing = Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(20, attempt - 1));
  return Math.max(error.retryAfterMs ?? 0, growing) * (0.75 + Math.random() / 2);
}

/** Does something that may be done twice again and again, while it may succeed later, for so long. @throws the last error */
export async function withRetries<Result>(
  milliseconds: number,
  action: () => Promise<Result>,
  signal?: AbortSignal,
): Promise<Result> {
  const deadline = performance.now() + milliseconds;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof CaseloadError) || error.retryAfterMs === undefined) throw error;
      const wait = retryWaitMs(error, attempt);
      if (performance.now() + wait > deadline) throw error;
      await delay(wait, undefined, signal === undefined ? undefined : { signal });
    }
  }
}
