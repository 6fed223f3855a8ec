import type { IncomingMessage } from 'node:http';
import { Fault } from '../domain/errors.ts';

/** The client went away; there is nobody to answer. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone';
}

export interface ReadBounds {
  /** How long to wait for the next bytes. */
  readonly idleMilliseconds: number;
  /** How long the whole body may take. */
  readonly totalMilliseconds: number;
  /** Ends the reading; the request stays usable for an answer. */
  readonly signal: AbortSignal;
}

/**
 * Reads the body of a request, one chunk at a time, no faster than it is asked for. Unlike the stream's own iterator
 * it leaves the socket open when the reading ends early, so that a refusal can still be sent.
 * @throws Fault `BAD_REQUEST` when the client is too slow
 * @throws ClientGone when the connection breaks
 */
export async function* readRequest(
  request: IncomingMessage,
  bounds: ReadBounds,
): AsyncGenerator<Uint8Array, void, undefined> {
  const deadline = performance.now() + bounds.totalMilliseconds;
  for (;;) {
    const left = deadline - performance.now();
    if (left <= 0) throw tooSlow();
    const chunk: Buffer | null = request.read();
    if (chunk !== null) yield chunk;
    else if (request.readableEnded) return;
    else await waitForMore(request, Math.min(bounds.idleMilliseconds, left), bounds.signal);
  }
}

function waitForMore(request: IncomingMessage, milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error): void => {
      clearTimeout(timer);
      request.off('readable', more).off('end', more).off('error', gone).off('close', gone);
      signal.removeEventListener('abort', stop);
      if (error === undefined) resolve();
      else reject(error);
    };
    const more = (): void => settle();
    const gone = (): void => settle(new ClientGone('The client closed the connection'));
    const stop = (): void => settle(new Error('The reading was ended'));
    const timer = setTimeout(() => settle(tooSlow()), milliseconds);
    if (request.destroyed) gone();
    else if (signal.aborted) stop();
    else {
      signal.addEventListener('abort', stop);
      request.on('readable', more).on('end', more).on('error', gone).on('close', gone);
    }
  });
}

function tooSlow(): Fault {
  return new Fault('BAD_REQUEST', 'The bytes came too slowly; send the request again');
}
