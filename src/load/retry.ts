import type { Reply } from './graphql-client.ts';
import type { Outcome } from './history.ts';
import type { Random } from './random.ts';

const firstMs = 50;
const longestMs = 2_000;

/**
 * How long to wait before the same request is sent again: what the server asked for, else twice as long each time;
 * then up to half of it more or less, so that clients that failed together do not come back together.
 * @param failures how often this request has failed in a row, from 1
 */
export function waitBeforeRetry(failures: number, retryAfterMs: number | null, random: Random): number {
  const base = retryAfterMs ?? Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, 10));
  return base * (0.5 + random());
}

/** What a client knows when it got no result. */
export function outcomeWithoutResult(reply: Exclude<Reply, { kind: 'data' }>): Outcome {
  if (reply.kind === 'broken') return reply.sent ? 'unknown' : 'fail';
  // The record could not be reached, or nobody knows what broke: a statement that was under way may yet be committed.
  return reply.code === 'UNAVAILABLE' || reply.code === 'INTERNAL' || reply.code.startsWith('HTTP_')
    ? 'unknown'
    : 'fail';
}

const transient = new Set(['UNAVAILABLE', 'BACKPRESSURE', 'RATE_LIMITED', 'INTERNAL']);

/** Whether sending the same request again may help. */
export function mayRetry(reply: Exclude<Reply, { kind: 'data' }>): boolean {
  return reply.kind === 'broken' || transient.has(reply.code) || reply.code.startsWith('HTTP_5');
}
