import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { CloseCode, handleProtocols, makeServer } from 'graphql-ws';
import type { WebSocket, ServerOptions as WebSocketServerOptions } from 'ws';
import { WebSocketServer } from 'ws';
import { limits } from '../domain/limits.ts';
import type { Logger } from '../log.ts';
import { isAllowedOrigin } from './origins.ts';
import type { ConnectionParams, Extra, ProtocolOptions } from './socket-protocol.ts';
import { createProtocolHooks, tryAgainLater } from './socket-protocol.ts';
import type { Session } from './socket-session.ts';
import { abandonCompleted, closeWhenAnswered, createSession, endSession } from './socket-session.ts';

const socketsMax = 10_000;
const pingMilliseconds = 12_000;
/** What may wait in one socket for a client that reads too slowly. */
const bufferedBytesMax = 1_000_000;
/** How long a closed socket may take to say goodbye. */
const closeMilliseconds = 2_000;
/** What an upgrade is refused with when it may be tried again. */
const unavailable = '503 Service Unavailable\r\nretry-after: 1';

export interface SocketsOptions extends ProtocolOptions {
  readonly allowedOrigins: readonly string[];
}

/** The WebSockets of `/graphql`, in the protocol `graphql-transport-ws`. */
export interface Sockets {
  /** Sockets that are open. */
  readonly count: number;
  /** Takes or refuses an upgrade. */
  upgrade(request: IncomingMessage, connection: Duplex, head: Buffer): void;
  /** Closes every socket with 1001, those with a query or mutation under way after its answer, and waits for the end. */
  drain(graceMilliseconds: number): Promise<void>;
}

export function createSockets(options: SocketsOptions): Sockets {
  const { log, allowedOrigins, isDraining } = options;
  // The library's own adapter for `ws` writes to the console and has no bound on what waits for a slow client.
  const protocol = makeServer<ConnectionParams, Extra>(createProtocolHooks(options));
  const sessions = new Set<Session>();
  const webSockets = createWebSocketServer();

  const accept = (socket: WebSocket): void => {
    const session = createSession(socket);
    sessions.add(session);
    const stopPings = keepAlive(socket);
    // A frame that is too large or malformed has been answered with its close code before this is told.
    socket.on('error', (error) => log.debug({ err: error }, 'a socket failed'));
    const closed = protocol.opened(createProtocolSocket(session, log), { session });
    socket.once('close', (code, reason) => {
      sessions.delete(session);
      stopPings();
      endSession(session);
      closed(code, String(reason)).catch((error: unknown) => log.error({ err: error }, 'a socket did not end well'));
    });
  };

  return {
    get count() {
      return sessions.size;
    },

    upgrade(request, connection, head) {
      const path = request.url?.split('?', 1)[0];
      if (path !== '/graphql' && path !== '/graphql/') return refuseUpgrade(connection, '404 Not Found');
      if (isDraining()) return refuseUpgrade(connection, unavailable);
      if (!isAllowedOrigin(request, allowedOrigins)) return refuseUpgrade(connection, '403 Forbidden');
      if (sessions.size >= socketsMax) return refuseUpgrade(connection, unavailable);
      webSockets.handleUpgrade(request, connection, head, accept);
    },

    async drain(graceMilliseconds) {
      await Promise.all([...sessions].map((session) => closeWhenAnswered(session, graceMilliseconds)));
    },
  };
}

function createWebSocketServer(): WebSocketServer {
  const options: WebSocketServerOptions & { readonly closeTimeout: number } = {
    noServer: true,
    maxPayload: limits.socketFrameBytes,
    perMessageDeflate: false,
    clientTracking: false,
    // One message at a time: a `complete` has its effect before the `subscribe` behind it may use the same id again.
    allowSynchronousEvents: false,
    handleProtocols,
    closeTimeout: closeMilliseconds,
  };
  return new WebSocketServer(options);
}

/** @param status what follows the protocol in the first line, and headers */
function refuseUpgrade(connection: Duplex, status: string): void {
  // The client may be gone before it hears the answer, which is no matter then.
  connection.once('error', () => connection.destroy());
  connection.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`, () => connection.destroy());
}

/** Asks every 12 s whether the client is there, and gives the socket up when it did not say so by the next time. */
function keepAlive(socket: WebSocket): () => void {
  let isAlive = true;
  socket.on('pong', () => {
    isAlive = true;
  });
  const timer = setInterval(() => {
    if (!isAlive) return socket.terminate();
    isAlive = false;
    socket.ping();
  }, pingMilliseconds);
  return () => clearInterval(timer);
}

/** The socket as the protocol sees it. A send waits until the bytes have left, so a subscription waits for its client. */
function createProtocolSocket(session: Session, log: Logger) {
  const { socket } = session;
  return {
    protocol: socket.protocol,
    send: (data: string) =>
      new Promise<void>((resolve) => {
        if (socket.readyState !== socket.OPEN) return resolve();
        // An operation waits for its own sends only; many together, or pings without end, would still pile up.
        if (socket.bufferedAmount > bufferedBytesMax) {
          log.info({ subject: session.actor?.subject }, 'a client reads too slowly');
          socket.close(tryAgainLater, 'The client reads too slowly');
          return resolve();
        }
        // An error here means that the socket is closing, which its own event tells.
        socket.send(data, () => resolve());
      }),
    close: (code?: number, reason?: string) => socket.close(code, reason),
    onMessage: (handle: (data: string) => Promise<void>) => {
      socket.on('message', (data) => {
        const text = String(data);
        abandonCompleted(session, text);
        handle(text).catch((error: unknown) => {
          log.error({ err: error }, 'a socket message failed');
          socket.close(CloseCode.InternalServerError, 'Internal error');
        });
      });
    },
  };
}
