import { setTimeout as delay } from 'node:timers/promises';

const lookMilliseconds = 20;

/**
 * Waits for something that a server of ours says only when asked.
 * @throws Error naming what did not come about in time
 */
export async function waitUntil(
  what: string,
  holds: () => Promise<boolean> | boolean,
  milliseconds = 15_000,
): Promise<void> {
  const deadline = performance.now() + milliseconds;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${milliseconds} ms`);
    await delay(lookMilliseconds);
  }
}
