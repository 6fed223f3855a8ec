import type { ServerResponse } from 'node:http';
import type { ExecutionResult, GraphQLSchema } from 'graphql';
import type { Plugin, YogaLogger } from 'graphql-yoga';
import { createYoga } from 'graphql-yoga';
import type { Config } from '../config.ts';
import { Fault } from '../domain/errors.ts';
import type { Logger } from '../log.ts';
import type { Answer } from './answers.ts';
import { answerResult, sendAnswer } from './answers.ts';
import type { OperationContext } from './context.ts';
import type { EventStream } from './events.ts';
import type { FaultPlace, JsonMediaType, OperationResult } from './fault-format.ts';
import { toWireError } from './fault-format.ts';
import { graphiqlOptions } from './graphiql.ts';
import type { Operations, Plan } from './operations.ts';
import { onExpiry, shuttingDown } from './operations.ts';

export interface YogaExchange {
  readonly response: ServerResponse;
  readonly headers: Readonly<Record<string, string>>;
  readonly plan: Plan;
  readonly context: OperationContext;
  /** The JSON type to answer with, or that of an event stream. */
  readonly mediaType: JsonMediaType | 'text/event-stream';
}

/** What goes through GraphQL Yoga: event streams, queries by GET, and the page of GraphiQL. */
export interface YogaWay {
  answer(exchange: YogaExchange): Promise<void>;
  /** Answers with the page of GraphiQL, which exists in development only. */
  answerPage(response: ServerResponse, headers: Readonly<Record<string, string>>): Promise<void>;
  /** Ends all event streams, with an error that asks to come back. */
  endStreams(): void;
}

export interface YogaOptions {
  readonly schema: GraphQLSchema;
  readonly operations: Operations;
  readonly mode: Config['mode'];
  readonly log: Logger;
}

type ServerContext = Partial<YogaExchange>;

const endpoint = '/graphql';

/**
 * Yoga brings GraphiQL, event streams and queries by GET. It parses, validates and executes nothing by itself: its
 * handler of parameters is replaced by `operations`, which every way in shares. So an Envelop plugin for parsing or
 * executing would see nothing here; what such a plugin does belongs into `operations.ts`.
 */
export function createYogaWay({ schema, operations, mode, log }: YogaOptions): YogaWay {
  const streams = new Set<EventStream>();
  const yoga = createYoga<ServerContext>({
    schema,
    logging: createYogaLogger(log),
    graphqlEndpoint: endpoint,
    landingPage: false,
    // Origins, sizes and kinds of bodies are checked before, for both ways in alike, and errors are masked after.
    cors: false,
    multipart: false,
    batching: false,
    maskedErrors: false,
    parserAndValidationCache: false,
    graphiql: mode === 'development' && graphiqlOptions,
    // With its scripts in the page: Yoga's own page loads them from a host outside. Read only when somebody opens it.
    renderGraphiQL: async (options) => (await import('@graphql-yoga/render-graphiql')).renderGraphiQL(options),
    plugins: [usePlan(operations, watchStream(streams, log)), useSharedAnswers(log)],
  });

  // Yoga is shown no more than it needs: no body (it has been read), and no host, which is text of the client.
  const ask = (accept: string, context: ServerContext) =>
    yoga.fetch(new Request(`http://gateway.invalid${endpoint}`, { headers: { accept } }), context);

  return {
    async answer(exchange) {
      const answer = await ask(exchange.mediaType, exchange);
      if (exchange.mediaType === 'text/event-stream' && answer.body !== null) {
        return sendEvents(exchange.response, answer.body, exchange.headers);
      }
      sendAnswer(exchange.response, await readWhole(answer), exchange.headers);
    },

    async answerPage(response, headers) {
      sendAnswer(response, await readWhole(await ask('text/html', {})), headers);
    },

    endStreams() {
      const last = { errors: [toWireError(shuttingDown(), { requestId: '', log })] };
      for (const stream of streams) stream.end(last);
    },
  };
}

type WatchStream = (stream: EventStream, exchange: Pick<YogaExchange, 'response' | 'context'>) => void;

/** Keeps track of a stream until its response is over, and ends it with the token that opened it. */
function watchStream(streams: Set<EventStream>, log: Logger): WatchStream {
  return (stream, { response, context }) => {
    // A client may have gone while its subscription was starting, and will not go again.
    if (response.destroyed) return void stream.return();
    streams.add(stream);
    const expiry = onExpiry(context.actor, () => {
      const expired = new Fault('UNAUTHENTICATED', 'The token has expired');
      stream.end({ errors: [toWireError(expired, { requestId: context.requestId, log })] });
    });
    response.once('close', () => {
      streams.delete(stream);
      clearTimeout(expiry);
    });
  };
}

function usePlan(operations: Operations, watch: WatchStream): Plugin<object, ServerContext> {
  return {
    onRequestParse({ setRequestParser, serverContext }) {
      const query = serverContext.plan?.parameters.query;
      setRequestParser(() => ({ query }));
    },
    onParams({ setParamsHandler, context: { plan, context, mediaType, response } }) {
      if (plan === undefined || context === undefined || response === undefined) return;
      setParamsHandler(async () => {
        const isSubscription = plan.kind === 'subscription';
        const result = await (isSubscription ? operations.subscribe(plan, context) : operations.run(plan, context));
        if ('end' in result) watch(result, { response, context });
        const isReady = 'end' in result || mediaType !== 'text/event-stream';
        // Yoga only passes results on; its type wants GraphQLError where these have what is left of one for the wire.
        return (isReady ? result : streamOne(result)) as ExecutionResult | AsyncIterable<ExecutionResult>;
      });
    },
  };
}

/** A stream says everything in events, errors too: its status has gone out by then, and browsers hide other bodies. */
async function* streamOne(result: OperationResult): AsyncGenerator<OperationResult> {
  yield result;
}

/** Whole results are written by the code that writes them on the fast path. */
function useSharedAnswers(log: Logger): Plugin<object, ServerContext> {
  return {
    onResultProcess({ result, setResultProcessor, serverContext: { mediaType, context } }) {
      if (mediaType === undefined || mediaType === 'text/event-stream') return;
      if (Array.isArray(result) || Symbol.asyncIterator in result) return;
      const place = { requestId: context?.requestId ?? '', log };
      setResultProcessor((_result, fetchApi) => {
        const { status, headers, body } = answerResult(withWireErrors(result, place), mediaType);
        return new fetchApi.Response(body, { status, headers });
      }, mediaType);
    },
  };
}

/** What Yoga itself fails with has not been masked yet. */
function withWireErrors(result: ExecutionResult, place: FaultPlace): OperationResult {
  const errors = result.errors?.map((error) => (error instanceof Error ? toWireError(error, place) : error));
  return { ...result, ...(errors === undefined ? {} : { errors }) } as OperationResult;
}

async function readWhole(answer: Response): Promise<Answer> {
  return { status: answer.status, headers: Object.fromEntries(answer.headers), body: await answer.text() };
}

/** Writes events as they come, never faster than the client reads them, and ends the source when it goes away. */
async function sendEvents(
  response: ServerResponse,
  body: ReadableStream<Uint8Array>,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  const reader = body.getReader();
  if (response.destroyed) return reader.cancel();
  response.once('close', () => {
    reader.cancel().catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  });
  response.writeHead(200, {
    ...headers,
    'content-type': 'text/event-stream; charset=utf-8',
    // Reverse proxies would otherwise keep events back until a buffer is full.
    'x-accel-buffering': 'no',
  });
  for (;;) {
    const { done, value } = await reader.read();
    if (done || response.destroyed) break;
    if (!response.write(value)) await waitForDrain(response);
  }
  response.end();
}

function waitForDrain(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      response.off('drain', go);
      response.off('close', go);
      resolve();
    };
    response.on('drain', go);
    response.on('close', go);
  });
}

function createYogaLogger(log: Logger): YogaLogger {
  const at =
    (level: 'trace' | 'info' | 'warn' | 'error') =>
    (...parts: readonly unknown[]): void => {
      const err = parts.find((part) => part instanceof Error);
      log[level]({ err }, `yoga: ${parts.filter((part) => typeof part === 'string').join(' ')}`);
    };
  // It reports each step of each request as debug.
  return { debug: at('trace'), info: at('info'), warn: at('warn'), error: at('error') };
}
