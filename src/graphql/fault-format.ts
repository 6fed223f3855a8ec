import type { SourceLocation } from 'graphql';
import { GraphQLError } from 'graphql';
import type { FaultCode } from '../domain/errors.ts';
import { Fault } from '../domain/errors.ts';
import type { Logger } from '../log.ts';

/** One entry of `errors` as it leaves the process. */
export interface WireError {
  readonly message: string;
  readonly locations?: readonly SourceLocation[];
  readonly path?: readonly (string | number)[];
  readonly extensions: {
    readonly code: FaultCode;
    /** The input's path, with `BAD_USER_INPUT`. */
    readonly field?: string;
    /** With `RATE_LIMITED`, `BACKPRESSURE` and `UNAVAILABLE`. */
    readonly retryAfterMs?: number;
    /** With `INTERNAL`, to find the fault in the log. */
    readonly requestId?: string;
  };
}

/** The answer to one operation, or one event of a subscription, ready to be written. */
export interface OperationResult {
  readonly errors?: readonly WireError[];
  readonly data?: unknown;
}

/** Where a fault happened, for the log. */
export interface FaultPlace {
  readonly requestId: string;
  readonly log: Logger;
}

const statusByCode: Readonly<Record<FaultCode, number>> = {
  BAD_REQUEST: 400,
  GRAPHQL_PARSE_FAILED: 400,
  GRAPHQL_VALIDATION_FAILED: 400,
  QUERY_TOO_COMPLEX: 400,
  PAYLOAD_TOO_LARGE: 413,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  // An operation was found and ran; 404 would say that there is no such endpoint.
  NOT_FOUND: 200,
  BAD_USER_INPUT: 400,
  RATE_LIMITED: 429,
  BACKPRESSURE: 503,
  UNAVAILABLE: 503,
  INTERNAL: 500,
};

const messageCharactersMax = 500;
const retryAfterMillisecondsDefault = 1_000;

/**
 * The one place where an error becomes what a client sees. A `Fault` keeps its code and text; everything unknown
 * becomes `INTERNAL` with the request's id and is logged with its stack.
 */
export function toWireError(error: unknown, place: FaultPlace): WireError {
  const origin = findOrigin(error);
  const known = explain(origin);
  const where = error instanceof GraphQLError ? readWhere(error) : undefined;
  if (known !== undefined) {
    logCause(origin, known, place);
    return { message: known.message, ...where, extensions: known.extensions };
  }
  if (isAbort(origin)) {
    place.log.debug({ requestId: place.requestId }, 'an operation was given up');
    const abandoned = new Fault('UNAVAILABLE', 'The operation was given up');
    return { ...explainFault(abandoned), ...where };
  }
  place.log.error({ err: origin, requestId: place.requestId, path: where?.path }, 'an operation failed');
  return {
    message: 'Internal error',
    ...where,
    extensions: { code: 'INTERNAL', requestId: place.requestId },
  };
}

/** What was thrown first: GraphQL wraps it, once for each field that it passes on its way up. */
function findOrigin(error: unknown): unknown {
  let origin = error;
  while (origin instanceof GraphQLError && origin.originalError !== undefined) origin = origin.originalError;
  return origin;
}

/** What a wait throws when its client has gone: nobody's fault, and nobody reads the answer. */
function isAbort(origin: unknown): boolean {
  return origin instanceof Error && origin.name === 'AbortError';
}

function readWhere(error: GraphQLError): Pick<WireError, 'locations' | 'path'> {
  const { locations, path } = error;
  return { ...(locations === undefined ? {} : { locations }), ...(path === undefined ? {} : { path }) };
}

function explain(origin: unknown): WireError | undefined {
  if (origin instanceof Fault) return origin.code === 'INTERNAL' ? undefined : explainFault(origin);
  return origin instanceof GraphQLError ? explainGraphQLError(origin) : undefined;
}

function explainFault(fault: Fault): WireError {
  const { code, field } = fault;
  const retryAfterMs = fault.retryAfterMs ?? (needsRetryTime(code) ? retryAfterMillisecondsDefault : undefined);
  return {
    message: fault.message,
    extensions: {
      code,
      ...(field === undefined ? {} : { field }),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    },
  };
}

function needsRetryTime(code: FaultCode): boolean {
  return code === 'RATE_LIMITED' || code === 'BACKPRESSURE' || code === 'UNAVAILABLE';
}

function explainGraphQLError(error: GraphQLError): WireError | undefined {
  const message = error.message.slice(0, messageCharactersMax);
  const { code, field } = error.extensions;
  if (isFaultCode(code)) {
    return { message, extensions: { code, ...(typeof field === 'string' ? { field } : {}) } };
  }
  // An argument that only shows its fault when its variable is known; all other errors of the executor are ours.
  const argument = /^Argument "(\w+)"/.exec(message)?.[1];
  return argument === undefined ? undefined : { message, extensions: { code: 'BAD_USER_INPUT', field: argument } };
}

function isFaultCode(code: unknown): code is FaultCode {
  return typeof code === 'string' && Object.hasOwn(statusByCode, code) && code !== 'INTERNAL';
}

function logCause(origin: unknown, known: WireError, place: FaultPlace): void {
  if (!(origin instanceof Error) || origin.cause === undefined) return;
  const { code } = known.extensions;
  const level = needsRetryTime(code) ? 'warn' : 'debug';
  place.log[level]({ err: origin.cause, requestId: place.requestId, code }, 'a request was refused');
}

export type JsonMediaType = 'application/json' | 'application/graphql-response+json';

/**
 * The HTTP status of an answer. What failed before it ran has its code's status whatever the media type. What ran is
 * 200 for `application/json`; for `application/graphql-response+json` a result without any data has the status that
 * all its errors share.
 */
export function readStatus(result: OperationResult, mediaType: JsonMediaType): number {
  const { errors } = result;
  if (errors === undefined || errors.length === 0) return 200;
  const statuses = errors.map((error) => statusByCode[error.extensions.code]);
  if (!('data' in result)) return Math.max(400, ...statuses);
  if (mediaType === 'application/json' || result.data !== null) return 200;
  return statuses.every((status) => status === statuses[0]) ? statuses[0]! : 200;
}

/** The longest wait that any of the errors asks for, in whole seconds as the `Retry-After` header wants it. */
export function readRetryAfterSeconds(result: OperationResult): number | undefined {
  const waits = result.errors?.map((error) => error.extensions.retryAfterMs ?? 0) ?? [];
  const longest = Math.max(0, ...waits);
  return longest === 0 ? undefined : Math.ceil(longest / 1_000);
}
