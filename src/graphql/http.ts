import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Authenticate } from '../auth/tokens.ts';
import type { Config } from '../config.ts';
import type { Logger } from '../log.ts';
import type { Services } from '../services.ts';
import type { Accepted } from './accept.ts';
import { readAccept } from './accept.ts';
import { answerError, answerResult, HttpRefusal, sendAnswer } from './answers.ts';
import { OperationContext } from './context.ts';
import { answerFast } from './fast-path.ts';
import type { JsonMediaType } from './fault-format.ts';
import type { Operations } from './operations.ts';
import { isRefusal, shuttingDown } from './operations.ts';
import { preflightHeaders, readCorsHeaders } from './origins.ts';
import type { OperationParameters } from './parameters.ts';
import { parseBody, parseSearch, readBody } from './parameters.ts';
import type { YogaWay } from './yoga.ts';

export interface HttpOptions {
  readonly operations: Operations;
  readonly yoga: YogaWay;
  readonly services: Services;
  readonly authenticate: Authenticate;
  readonly log: Logger;
  readonly mode: Config['mode'];
  readonly allowedOrigins: readonly string[];
  /** Answers what is not `/graphql`; says whether it did. */
  readonly otherRoutes: (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>;
  /** Off sends everything through Yoga; the tests run over both. */
  readonly fastPath: boolean;
  readonly isDraining: () => boolean;
  /** Whether a request of this connection comes too late to be answered. */
  readonly refuses: (socket: Socket) => boolean;
}

export type HandleRequest = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** One request to `/graphql`, from its first header to its last byte. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  readonly accepted: Accepted;
  /** The headers that every answer to this request carries. */
  readonly headers: Record<string, string>;
}

const allow = { allow: 'GET, POST' } as const;
const requestIdPattern = /^[\w.-]{1,64}$/;

/** Makes the handler of all HTTP requests. It never throws; each request is answered or its connection is gone. */
export function createRequestHandler(options: HttpOptions): HandleRequest {
  return async (request, response) => {
    const exchange = openExchange(request, response, options);
    try {
      if (isGraphqlPath(request.url)) return await answerGraphql(exchange, options);
      if (options.isDraining()) response.setHeader('connection', 'close');
      if (!(await options.otherRoutes(request, response))) throw new HttpRefusal(404, 'There is nothing here');
    } catch (error) {
      const place = { requestId: exchange.requestId, log: options.log };
      sendAnswer(response, answerError(error, jsonTypeFor(exchange.accepted), place), exchange.headers);
    }
  };
}

function isGraphqlPath(url = ''): boolean {
  return url === '/graphql' || url.startsWith('/graphql?') || url === '/graphql/';
}

function openExchange(request: IncomingMessage, response: ServerResponse, options: HttpOptions): Exchange {
  const given = request.headers['x-request-id'];
  const requestId = typeof given === 'string' && requestIdPattern.test(given) ? given : randomUUID();
  const headers: Record<string, string> = {
    'x-request-id': requestId,
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    ...readCorsHeaders(request, options.allowedOrigins),
  };
  if (options.isDraining()) headers.connection = 'close';
  return { request, response, requestId, accepted: readAccept(request.headers.accept), headers };
}

function jsonTypeFor(accepted: Accepted): JsonMediaType {
  return accepted.json ?? 'application/json';
}

async function answerGraphql(exchange: Exchange, options: HttpOptions): Promise<void> {
  const { request, response, headers } = exchange;
  if (options.refuses(request.socket)) throw shuttingDown();
  if (request.method === 'OPTIONS') {
    return sendAnswer(response, { status: 204, headers: { ...allow, ...preflightHeaders }, body: '' }, headers);
  }
  if (request.method === 'GET') return answerGet(exchange, options);
  if (request.method !== 'POST') throw new HttpRefusal(405, 'GraphQL takes GET and POST', allow);
  assertJsonBody(request);
  const actor = await options.authenticate(request.headers.authorization);
  const parameters = parseBody(await readBody(request));
  await answerOperation(
    exchange,
    new OperationContext(actor, exchange.requestId, options.services, traceparentOf(request)),
    parameters,
    options,
  );
}

/**
 * JSON is the only kind of body: pages of other origins can send forms, multipart and plain text without being asked,
 * and a mutation must not come that way.
 */
function assertJsonBody({ headers }: IncomingMessage): void {
  const [type, ...parameters] = (headers['content-type'] ?? '')
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  const charset = parameters.find((parameter) => parameter.startsWith('charset='));
  const isJson = type === 'application/json' && (charset === undefined || /^charset="?utf-8"?$/.test(charset));
  const encoding = headers['content-encoding'] ?? 'identity';
  if (!isJson || encoding !== 'identity') {
    throw new HttpRefusal(415, 'The body must be application/json in UTF-8, without compression', {
      'accept-post': 'application/json',
    });
  }
}

function traceparentOf({ headers }: IncomingMessage): string | undefined {
  return typeof headers.traceparent === 'string' ? headers.traceparent : undefined;
}

async function answerGet(exchange: Exchange, options: HttpOptions): Promise<void> {
  const { request, response, headers } = exchange;
  const search = new URLSearchParams(/\?(.*)$/s.exec(request.url ?? '')?.[1]);
  if (!search.has('query') && request.headers.accept?.includes('text/html') === true) {
    if (options.mode === 'production') throw new HttpRefusal(404, 'There is nothing here');
    return options.yoga.answerPage(response, headers);
  }
  const actor = await options.authenticate(request.headers.authorization);
  const context = new OperationContext(actor, exchange.requestId, options.services, traceparentOf(request));
  await answerOperation(exchange, context, parseSearch(search), options);
}

async function answerOperation(
  exchange: Exchange,
  context: OperationContext,
  parameters: OperationParameters,
  { operations, yoga, fastPath, isDraining }: HttpOptions,
): Promise<void> {
  const { request, response, accepted, headers } = exchange;
  const plan = operations.plan(parameters, exchange.requestId);
  if (isRefusal(plan)) return sendAnswer(response, answerResult(plan, jsonTypeFor(accepted)), headers);
  if (plan.kind === 'mutation' && request.method === 'GET') {
    throw new HttpRefusal(405, 'A mutation needs POST', { allow: 'POST' });
  }
  if (plan.kind === 'subscription' && isDraining()) throw shuttingDown();
  const mediaType = plan.kind === 'subscription' ? undefined : accepted.json;
  if (mediaType === undefined && !accepted.eventStream) {
    throw new HttpRefusal(406, 'This is answered with application/json, or with text/event-stream for a subscription');
  }
  response.once('close', () => {
    if (!response.writableFinished) context.abandon();
  });
  if (mediaType !== undefined && fastPath && request.method === 'POST') {
    return answerFast(operations, { response, plan, context, mediaType, headers });
  }
  return yoga.answer({ response, headers, plan, context, mediaType: mediaType ?? 'text/event-stream' });
}
