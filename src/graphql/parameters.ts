import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { badInput, Fault } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { findVariablePlace } from './input-faults.ts';

/** What a client asks for, checked for its form only. */
export interface OperationParameters {
  readonly query: string;
  readonly operationName: string | undefined;
  readonly variables: Readonly<Record<string, unknown>> | undefined;
}

const bodyMilliseconds = 15_000;
/** What is still read and thrown away of a body that is too long, so that its sender gets to hear the answer. */
const discardedBytesMax = 10_000_000;
const variablesDepthMax = 64;
const parameterNames: ReadonlySet<string> = new Set(['query', 'operationName', 'variables', 'extensions']);

/**
 * Reads a request's body.
 * @throws Fault `PAYLOAD_TOO_LARGE` above 1 MB, `BAD_REQUEST` when it does not come to its end within 15 s
 */
export function readBody(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let isRefused = false;
    let timer: NodeJS.Timeout | undefined;
    const refuse = (fault: Fault): void => {
      isRefused = true;
      clearTimeout(timer);
      chunks.length = 0;
      reject(fault);
    };
    const bytesDeclared = Number(request.headers['content-length'] ?? Number.NaN);
    if (bytesDeclared > limits.bodyBytes) refuse(tooLarge());
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (isRefused) {
        if (bytes > limits.bodyBytes + discardedBytesMax) request.destroy();
        return;
      }
      if (bytes > limits.bodyBytes) return refuse(tooLarge());
      chunks.push(chunk);
      // Nearly every body comes in one piece, and pays for no timer.
      if (bytes !== bytesDeclared)
        timer ??= setTimeout(() => refuse(badRequest('The body did not come')), bodyMilliseconds);
    });
    request.on('end', () => {
      clearTimeout(timer);
      if (!isRefused) resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
    });
    request.on('error', (error) => refuse(badRequest('The body did not come', error)));
    request.on('close', () => {
      if (!request.complete) refuse(badRequest('The body did not come'));
    });
  });
}

function tooLarge(): Fault {
  return new Fault('PAYLOAD_TOO_LARGE', 'The body is too large');
}

function badRequest(message: string, cause?: unknown): Fault {
  return new Fault('BAD_REQUEST', message, { cause });
}

/**
 * Reads the JSON of a POST.
 * @throws Fault `BAD_REQUEST` for bytes that are not UTF-8 or not JSON, a batch, an unknown or missing parameter, one
 * of the wrong type; `BAD_USER_INPUT` for text in the variables that no column can hold
 */
export function parseBody(body: Buffer): OperationParameters {
  if (!isUtf8(body)) throw badRequest('The body is not UTF-8');
  const text = body.toString('utf8');
  const parameters = checkParameters(parseJson(text, 'The body'));
  // Only an escape can bring a null character or half a character into JSON that is UTF-8.
  if (text.includes('\\u')) assertCleanVariables(parameters);
  return parameters;
}

/**
 * Reads the query string of a GET.
 * @throws Fault as `parseBody` does
 */
export function parseSearch(search: URLSearchParams): OperationParameters {
  const given: Record<string, unknown> = {};
  for (const [name, value] of search) {
    if (Object.hasOwn(given, name)) throw badRequest('A parameter is given twice');
    const isJson = name === 'variables' || name === 'extensions';
    given[name] = isJson && value !== '' ? parseJson(value, `The parameter '${name}'`) : value;
  }
  if (given.variables === '') given.variables = undefined;
  if (given.extensions === '') given.extensions = undefined;
  const parameters = checkParameters(given);
  assertCleanVariables(parameters);
  return parameters;
}

function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw badRequest(`${what} is not valid JSON`);
  }
}

function checkParameters(given: unknown): OperationParameters {
  if (Array.isArray(given)) throw badRequest('Batches are not accepted: send one operation a request');
  if (!isRecord(given)) throw badRequest('The body must be a JSON object');
  for (const name of Object.keys(given)) {
    if (!parameterNames.has(name)) throw badRequest('The request has an unknown parameter');
  }
  const { query, operationName, variables, extensions } = given;
  if (query === undefined || query === null) throw badRequest("The parameter 'query' is missing");
  if (typeof query !== 'string') throw badRequest("The parameter 'query' must be a string");
  if (!isNothing(operationName) && typeof operationName !== 'string') {
    throw badRequest("The parameter 'operationName' must be a string");
  }
  if (!isNothing(variables) && !isRecord(variables)) throw badRequest("The parameter 'variables' must be an object");
  if (!isNothing(extensions) && !isRecord(extensions)) throw badRequest("The parameter 'extensions' must be an object");
  return {
    query,
    // Editors send an empty name for "the only one".
    operationName: operationName === '' ? undefined : ((operationName as string | null | undefined) ?? undefined),
    variables: (variables as Record<string, unknown> | null | undefined) ?? undefined,
  };
}

function isNothing(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Refuses null characters and halves of characters anywhere in the variables: PostgreSQL stores neither.
 * @throws Fault `BAD_USER_INPUT` with the input's path
 */
export function assertCleanVariables({ query, variables }: Pick<OperationParameters, 'query' | 'variables'>): void {
  if (variables === undefined) return;
  for (const [name, value] of Object.entries(variables)) {
    // The document is looked into only when something is wrong.
    assertClean(value, [name], () => findVariablePlace(query, name));
  }
}

function assertClean(value: unknown, path: readonly string[], findRoot: () => readonly (string | number)[]): void {
  const refuse = (reason: string): Fault =>
    badInput([...findRoot(), ...path.slice(1)].join('.').slice(0, limits.textCharacters), reason);
  if (typeof value === 'string') {
    if (value.includes('\0') || !value.isWellFormed()) throw refuse('is not well-formed text');
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  if (path.length > variablesDepthMax) throw refuse('is nested too deeply');
  for (const [key, item] of Object.entries(value)) assertClean(item, [...path, key], findRoot);
}
