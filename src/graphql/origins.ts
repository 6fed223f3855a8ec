import type { IncomingMessage } from 'node:http';

const preflightSeconds = 600;

/**
 * Whether a page of this origin may talk to the gateway: one of the gateway's own host, one of the list. Programs send
 * no origin and are always let in; what lets them do anything is their token.
 */
export function isAllowedOrigin(request: IncomingMessage, allowedOrigins: readonly string[]): boolean {
  const { origin, host } = request.headers;
  if (origin === undefined || allowedOrigins.includes(origin)) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}

/** The headers that let a page of another, listed origin read an answer; undefined when there is nothing to say. */
export function readCorsHeaders(
  request: IncomingMessage,
  allowedOrigins: readonly string[],
): Readonly<Record<string, string>> | undefined {
  const { origin } = request.headers;
  if (origin === undefined || allowedOrigins.length === 0) return undefined;
  // The answer differs by origin, which a cache in between has to know even for the refused ones.
  if (!allowedOrigins.includes(origin)) return { vary: 'origin' };
  return {
    'access-control-allow-origin': origin,
    'access-control-expose-headers': 'x-request-id, retry-after',
    vary: 'origin',
  };
}

/** What a preflight gets besides the CORS headers. */
export const preflightHeaders: Readonly<Record<string, string>> = {
  'access-control-allow-methods': 'GET, POST',
  'access-control-allow-headers': 'authorization, content-type, x-request-id',
  'access-control-max-age': String(preflightSeconds),
};
