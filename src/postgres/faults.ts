import { backpressure, Fault, noRoom, unavailable } from '../domain/errors.ts';

const retryableStates = new Set(['40001', '40P01']);
const busyStates = new Set(['55P03', '57014', '53300', '25P04']);
/** A server that stops, starts or cannot write; and 3D000: its database is gone, for instance while a restore makes it anew. */
const unreachableStates = new Set(['57P01', '57P02', '57P03', '57P04', '25006', '58030', 'XX000', '3D000']);
const unreachableCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOTFOUND',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'ENOENT',
]);

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

/**
 * The database has no room: nothing of the statement was done. PostgreSQL has a code for a full disk alone; a quota and a
 * limit of a file's size come as internal errors.
 */
export function isFull(error: unknown): boolean {
  const code = codeOf(error);
  if (code === '53100') return true;
  const message = error instanceof Error ? error.message : '';
  return (
    (code === 'XX000' || code === '58030') && /No space left on device|quota exceeded|File too large/i.test(message)
  );
}

/** A conflict between transactions that goes away when the same statement runs again: nothing was changed. */
export function isConflict(error: unknown): boolean {
  return retryableStates.has(codeOf(error) ?? '');
}

/** The database could not be reached, or went away: whether a running statement was committed is unknown. */
export function isUnreachable(error: unknown): boolean {
  const code = codeOf(error) ?? '';
  if (isFull(error)) return false;
  if (code.startsWith('08') || unreachableStates.has(code) || unreachableCodes.has(code)) return true;
  const message = error instanceof Error ? error.message : '';
  return /Connection terminated|timeout expired|timeout exceeded when trying to connect|Query read timeout|connection error and is not queryable|Cannot use a pool after calling end/i.test(
    message,
  );
}

/** The database was waited for in vain; one that is stopped or refuses says so at once. */
export function isSilent(error: unknown): boolean {
  return (
    error instanceof Error &&
    /terminated due to connection timeout|timeout expired|Query read timeout/i.test(error.message)
  );
}

/** What a client gets to see of a failed statement: a fault with a retry time where it may come from overload or loss. */
export function toFault(error: unknown): unknown {
  if (error instanceof Fault) return error;
  if (isFull(error)) return noRoom(5_000, error);
  if (isUnreachable(error)) return unavailable(1_000, error);
  if (isConflict(error) || busyStates.has(codeOf(error) ?? '')) {
    const fault = backpressure(250);
    fault.cause = error;
    return fault;
  }
  return error;
}
