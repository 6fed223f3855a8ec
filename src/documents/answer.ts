import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Fault, FaultCode } from '../domain/errors.ts';

/** How much of a refused body is still taken, and for how long, so that the client gets to read the refusal. */
const lingerBytes = 32_000_000;
const lingerMilliseconds = 5_000;

const statuses: Readonly<Partial<Record<FaultCode, number>>> = {
  BAD_REQUEST: 400,
  BAD_USER_INPUT: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  PAYLOAD_TOO_LARGE: 413,
  RATE_LIMITED: 429,
  BACKPRESSURE: 503,
  UNAVAILABLE: 503,
};

const commonHeaders = {
  'content-type': 'application/json; charset=utf-8',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
} as const;

export function answerJson(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { ...commonHeaders, 'content-length': Buffer.byteLength(text) }).end(text);
}

/**
 * Answers with a fault, in the form of GraphQL's errors: `{ errors: [{ message, extensions: { code } }] }`.
 * When the client is still sending, a bounded part of the rest is read and dropped before the connection is closed: a
 * client that was cut off while it wrote would never see the reason.
 * @param requestId told to the client with `INTERNAL`
 * @param status the HTTP status, when the code's own does not fit
 */
export async function answerFault(
  request: IncomingMessage,
  response: ServerResponse,
  fault: Fault,
  requestId: string,
  status: number = statuses[fault.code] ?? 500,
): Promise<void> {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const text = JSON.stringify({ errors: [{ message: fault.message, extensions: extensionsOf(fault, requestId) }] });
  const headers: OutgoingHttpHeaders = { ...commonHeaders, 'content-length': Buffer.byteLength(text) };
  if (fault.retryAfterMs !== undefined) headers['retry-after'] = String(Math.ceil(fault.retryAfterMs / 1000));
  if (!request.complete) headers.connection = 'close';
  response.writeHead(status, headers);
  if (request.method !== 'HEAD') response.write(text);
  if (!request.complete) await dropRest(request);
  response.end();
}

function extensionsOf(fault: Fault, requestId: string): object {
  return {
    code: fault.code,
    ...(fault.field === undefined ? {} : { field: fault.field }),
    ...(fault.retryAfterMs === undefined ? {} : { retryAfterMs: fault.retryAfterMs }),
    ...(fault.code === 'INTERNAL' ? { requestId } : {}),
  };
}

function dropRest(request: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    let dropped = 0;
    const done = (): void => {
      clearTimeout(timer);
      request.off('data', drop).off('end', done).off('close', done).off('error', done);
      resolve();
    };
    const drop = (chunk: Buffer): void => {
      dropped += chunk.length;
      if (dropped > lingerBytes) done();
    };
    const timer = setTimeout(done, lingerMilliseconds);
    if (request.destroyed) return done();
    request.on('data', drop).on('end', done).on('close', done).on('error', done);
  });
}
