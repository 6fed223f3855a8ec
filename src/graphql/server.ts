import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as delay, setImmediate as nextRound } from 'node:timers/promises';
import type { GraphQLSchema } from 'graphql';
import type { Authenticate } from '../auth/tokens.ts';
import type { Config } from '../config.ts';
import type { Logger } from '../log.ts';
import type { Services } from '../services.ts';
import { traceOperations } from '../telemetry/traced-operations.ts';
import { createRequestHandler } from './http.ts';
import type { ObserveOperation } from './observed-operations.ts';
import { observeOperations } from './observed-operations.ts';
import { createOperations } from './operations.ts';
import { createSockets } from './socket.ts';
import { createYogaWay } from './yoga.ts';

const headerBytesMax = 16_384;
const headersMilliseconds = 10_000;
/** Long enough to upload a document over a slow line; the body of an operation has a shorter time of its own. */
const requestMilliseconds = 600_000;
/** Longer than the minute after which load balancers usually drop an idle connection, so that they drop it, not we. */
const keepAliveMilliseconds = 65_000;
const connectionsMax = 20_000;
/**
 * How long a stop waits before it closes idle connections. Closed at once, one of them may just be carrying a request,
 * which then fails without an answer; in this time each one in use gets its next answer, and learns from it that it ends.
 */
const lingerMilliseconds = 1_500;
/** While it waits it looks this often whether anybody is still connected. */
const lookMilliseconds = 50;

export interface GatewayOptions {
  readonly schema: GraphQLSchema;
  readonly services: Services;
  readonly authenticate: Authenticate;
  readonly log: Logger;
  readonly mode: Config['mode'];
  /** Origins whose pages may call the gateway, besides its own. */
  readonly allowedOrigins: readonly string[];
  /** Answers what is not `/graphql`; says whether it did. */
  readonly otherRoutes: (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>;
  /** Told of every request when its answer has been sent or the client went away. */
  readonly observe?: (path: string, status: number, seconds: number) => void;
  /** Told of every operation when it is over: the field it asked for, `ok` or the code of its fault, and its time. */
  readonly observeOperation?: ObserveOperation;
  /** Whether spans are sent somewhere: then each operation is one. */
  readonly traces?: boolean;
  /** False sends every operation through Yoga. For tests and comparisons; the answers are the same. */
  readonly fastPath?: boolean;
}

export interface Gateway {
  /** What is open at this moment. */
  readonly counts: { readonly webSockets: number; readonly subscriptions: number };
  /**
   * Listens.
   * @param port 0 for any free one
   * @throws Error that names the port when it is taken or not allowed
   */
  start(port: number, host: string): Promise<{ readonly port: number }>;
  /**
   * Stops in order: new connections get 503, those that are there get one more answer and are told that they end, event
   * streams end, sockets close with 1001,
   * what is under way is finished, then the connections close. What is still under way after the grace is cut off. May
   * be called twice.
   */
  stop(graceMilliseconds: number): Promise<void>;
}

/** Puts HTTP, event streams and WebSockets of one schema on one port. */
export function createGateway(options: GatewayOptions): Gateway {
  const { schema, services, authenticate, log, mode, allowedOrigins, otherRoutes } = options;
  let stopping: Promise<void> | undefined;
  const isDraining = (): boolean => stopping !== undefined;
  /** Connections that began after the stop: who opens one may as well go to another gateway. */
  const late = new WeakSet<Socket>();
  let lingerIsOver = false;
  const refuses = (socket: Socket): boolean => isDraining() && (lingerIsOver || late.has(socket));
  const plain = createOperations({ schema, mode, log });
  const traced = options.traces === true ? traceOperations(plain) : plain;
  const operations = observeOperations(traced, options.observeOperation);
  const yoga = createYogaWay({ schema, operations, mode, log });
  const sockets = createSockets({ operations, services, authenticate, log, allowedOrigins, isDraining });
  const handle = createRequestHandler({
    operations,
    yoga,
    services,
    authenticate,
    log,
    mode,
    allowedOrigins,
    otherRoutes,
    fastPath: options.fastPath ?? true,
    isDraining,
    refuses,
  });
  const underWay = createUnderWay();
  const server = createHttpServer((request, response) => {
    underWay.add(response);
    if (options.observe !== undefined) watchAnswer(request, response, options.observe);
    void handle(request, response);
  });
  server.on('upgrade', sockets.upgrade);
  server.on('connection', (socket) => {
    if (isDraining()) late.add(socket);
  });

  const stopInOrder = async (graceMilliseconds: number): Promise<void> => {
    if (!server.listening) return;
    const cutOff = setTimeout(() => server.closeAllConnections(), graceMilliseconds);
    yoga.endStreams();
    const socketsDrained = sockets.drain(graceMilliseconds);
    underWay.endConnections();
    const lingersUntil = performance.now() + Math.min(lingerMilliseconds, graceMilliseconds);
    while (performance.now() < lingersUntil && (await countConnections(server)) > 0) await delay(lookMilliseconds);
    lingerIsOver = true;
    const closed = once(server, 'close');
    // A connection whose request is still unread only looks idle: it is read in the next round, and refused in order.
    await readWhatCame();
    server.close();
    await Promise.all([socketsDrained, underWay.finish()]);
    await readWhatCame();
    // What is still open has asked for nothing, as the connections that browsers open ahead of need.
    server.closeAllConnections();
    await closed;
    clearTimeout(cutOff);
  };

  return {
    get counts() {
      return { webSockets: sockets.count, subscriptions: operations.subscriptionCount };
    },
    start: (port, host) => listen(server, port, host),
    stop(graceMilliseconds) {
      stopping ??= stopInOrder(graceMilliseconds);
      return stopping;
    },
  };
}

/** Two rounds of the event loop, the second of them short: little can come between its input and what follows. */
async function readWhatCame(): Promise<void> {
  await nextRound();
  await nextRound();
}

function watchAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  observe: NonNullable<GatewayOptions['observe']>,
): void {
  const startedAt = performance.now();
  response.once('close', () =>
    observe(request.url ?? '', response.statusCode, (performance.now() - startedAt) / 1_000),
  );
}

function createHttpServer(handle: (request: IncomingMessage, response: ServerResponse) => void): Server {
  const server = createServer(
    {
      maxHeaderSize: headerBytesMax,
      headersTimeout: headersMilliseconds,
      requestTimeout: requestMilliseconds,
      keepAliveTimeout: keepAliveMilliseconds,
      connectionsCheckingInterval: 5_000,
    },
    handle,
  );
  server.maxConnections = connectionsMax;
  return server;
}

/**
 * The requests under way. Every one ends, because its connection does at the latest when the grace is over.
 *
 * They stand in places that are used again, not in a Set: each time a Set grows it leaves its old table behind, which
 * points at the new one and at all that stood in it. Once one such table is old, the garbage collector takes every later
 * one, with the requests in it, for alive until its next full round (a fifth of the gateway's processor time).
 */
function createUnderWay() {
  const places: (ServerResponse | undefined)[] = [];
  const free: number[] = [];
  let count = 0;
  let onNone: (() => void) | undefined;
  return {
    add(response: ServerResponse): void {
      const place = free.pop() ?? places.length;
      places[place] = response;
      count += 1;
      response.once('close', () => {
        places[place] = undefined;
        free.push(place);
        count -= 1;
        if (count === 0) onNone?.();
      });
    },
    /** Their connections close with the answers. */
    endConnections(): void {
      for (const response of places) if (response !== undefined) response.shouldKeepAlive = false;
    },
    /** Resolves when all are answered; their connections close with the answers. */
    finish(): Promise<void> {
      this.endConnections();
      return new Promise((resolve) => {
        if (count === 0) resolve();
        else onNone = resolve;
      });
    },
  };
}

function countConnections(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
  });
}

async function listen(server: Server, port: number, host: string): Promise<{ readonly port: number }> {
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (error) {
    throw explainListenError(error, port, host);
  }
  const address = server.address();
  return { port: typeof address === 'object' && address !== null ? address.port : port };
}

function explainListenError(error: unknown, port: number, host: string): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'EADDRINUSE') {
    return new Error(`Port ${port} is in use on ${host}. Stop what listens there, or set PORT to another one`, {
      cause: error,
    });
  }
  if (code === 'EACCES')
    return new Error(`Port ${port} may not be used by this account. Set PORT to another one`, { cause: error });
  return error;
}
