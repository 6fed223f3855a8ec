/**
 * Faults: what ends an operation with an entry in GraphQL's `errors`.
 * Outcomes of normal life (a lost lease, an empty queue) are results, not faults; see `problem.ts`.
 */
export type FaultCode =
  | 'BAD_REQUEST'
  | 'GRAPHQL_PARSE_FAILED'
  | 'GRAPHQL_VALIDATION_FAILED'
  | 'QUERY_TOO_COMPLEX'
  | 'PAYLOAD_TOO_LARGE'
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'NOT_FOUND'
  | 'BAD_USER_INPUT'
  | 'RATE_LIMITED'
  | 'BACKPRESSURE'
  | 'UNAVAILABLE'
  | 'INTERNAL';

export interface FaultDetails {
  /** The input's path, for `BAD_USER_INPUT`: `input.applicant.name`. */
  readonly field?: string;
  /** When to try again, in milliseconds, for `RATE_LIMITED`, `BACKPRESSURE` and `UNAVAILABLE`. */
  readonly retryAfterMs?: number;
  /** Kept for the log; never leaves the process. */
  readonly cause?: unknown;
}

/** The only error class whose message reaches a client. Its text holds nothing internal. */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly code: FaultCode;
  readonly field: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: FaultCode, message: string, details: FaultDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.field = details.field;
    this.retryAfterMs = details.retryAfterMs;
  }
}

export function badInput(field: string, message: string): Fault {
  return new Fault('BAD_USER_INPUT', `${field}: ${message}`, { field });
}

export function notFound(what: string): Fault {
  return new Fault('NOT_FOUND', `${what} not found`);
}

export function forbidden(message: string): Fault {
  return new Fault('FORBIDDEN', message);
}

/** The record cannot be reached. Nothing was changed as far as is known; the same request may be sent again. */
export function unavailable(retryAfterMs: number, cause?: unknown): Fault {
  return new Fault('UNAVAILABLE', 'The service cannot reach its record right now', { retryAfterMs, cause });
}

/** The record is full. Nothing was changed; the same request may be sent again when an operator has made room. */
export function noRoom(retryAfterMs: number, cause?: unknown): Fault {
  return new Fault('UNAVAILABLE', 'The record has no room left', { retryAfterMs, cause });
}

export function backpressure(retryAfterMs: number): Fault {
  return new Fault('BACKPRESSURE', 'Too many requests are waiting', { retryAfterMs });
}
