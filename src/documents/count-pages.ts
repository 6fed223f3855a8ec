import { Worker } from 'node:worker_threads';
import { limits } from '../domain/limits.ts';

/** Why the pages of a PDF could not be counted. */
export type PageFault = 'ENCRYPTED' | 'BROKEN' | 'TOO_SLOW' | 'TOO_LARGE';

export type PageCount = { readonly pages: number } | { readonly fault: PageFault };

/**
 * Counts the pages of a PDF in a thread of its own, with limits on time and memory: whoever made the file may have made
 * it to do harm. Nothing in it is run or drawn.
 * @param bytes are taken over, and cannot be used afterwards
 * @throws the signal's reason when it is aborted
 */
export async function countPages(
  bytes: Uint8Array<ArrayBuffer>,
  signal: AbortSignal,
  milliseconds: number = limits.pageCountMilliseconds,
): Promise<PageCount> {
  signal.throwIfAborted();
  const worker = new Worker(new URL('./count-pages-thread.ts', import.meta.url), {
    workerData: bytes,
    transferList: [bytes.buffer],
    env: {},
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: limits.pageCountMegabytes, maxYoungGenerationSizeMb: 32 },
  });
  const { promise, resolve, reject } = Promise.withResolvers<PageCount>();
  const stop = (): void => reject(signal.reason);
  const timer = setTimeout(() => resolve({ fault: 'TOO_SLOW' }), milliseconds);
  signal.addEventListener('abort', stop, { once: true });
  worker.on('message', (count: PageCount) => resolve(count));
  worker.on('error', (error: NodeJS.ErrnoException) =>
    resolve({ fault: error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'TOO_LARGE' : 'BROKEN' }),
  );
  worker.on('exit', () => resolve({ fault: 'BROKEN' }));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    await worker.terminate();
  }
}
