import type { ServerResponse } from 'node:http';
import type { FaultPlace, JsonMediaType, OperationResult } from './fault-format.ts';
import { readRetryAfterSeconds, readStatus, toWireError } from './fault-format.ts';

/** One whole JSON answer over HTTP. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Makes the answer of a result. Both ways in make it here, so both give the same. */
export function answerResult(result: OperationResult, mediaType: JsonMediaType): Answer {
  const body = JSON.stringify(result);
  const status = readStatus(result, mediaType);
  const contentType = `${mediaType}; charset=utf-8`;
  if (status === 200) return { status, headers: { 'content-type': contentType }, body };
  const retryAfter = readRetryAfterSeconds(result);
  return {
    status,
    headers: {
      'content-type': contentType,
      ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
      ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
    },
    body,
  };
}

/** A request that is refused for its form, with a status that its code alone does not give. */
export class HttpRefusal extends Error {
  override readonly name = 'HttpRefusal';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

/** Makes the answer of an error that was thrown before an operation could run. */
export function answerError(error: unknown, mediaType: JsonMediaType, place: FaultPlace): Answer {
  if (!(error instanceof HttpRefusal)) return answerResult({ errors: [toWireError(error, place)] }, mediaType);
  const { status, headers } = error;
  const answer = answerResult({ errors: [{ message: error.message, extensions: { code: 'BAD_REQUEST' } }] }, mediaType);
  return { ...answer, status, headers: { ...answer.headers, ...headers } };
}

/** Writes a whole answer, unless its client has gone. An answer that had begun is broken off. */
export function sendAnswer(response: ServerResponse, answer: Answer, headers: Readonly<Record<string, string>>): void {
  if (response.headersSent) response.destroy();
  if (response.destroyed) return;
  const length = answer.status === 204 ? {} : { 'content-length': Buffer.byteLength(answer.body) };
  response.writeHead(answer.status, { ...headers, ...answer.headers, ...length });
  response.end(answer.body);
}
