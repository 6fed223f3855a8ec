import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent, request } from 'node:http';
import { request as requestSecurely } from 'node:https';

/** What came back for one request. */
export type Reply =
  | { readonly kind: 'data'; readonly data: Readonly<Record<string, unknown>> }
  | { readonly kind: 'fault'; readonly code: string; readonly message: string; readonly retryAfterMs: number | null }
  /** No answer. `sent` is false when not a byte of the request can have arrived. */
  | { readonly kind: 'broken'; readonly sent: boolean; readonly reason: string };

export interface Operation {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

export interface SendOptions {
  readonly url: string;
  readonly token: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

const answerBytesMax = 4_000_000;
/** Errors of a connection that was never made. */
const unsent = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);

/** Sends GraphQL operations over kept-alive HTTP connections; knows nothing of retries. */
export class GraphqlClient {
  readonly #agent: Agent;

  constructor(connectionsMax: number) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: connectionsMax, scheduling: 'fifo' });
  }

  /** Sends one operation. Never throws: whatever happens is a reply. */
  send(operation: Operation, options: SendOptions): Promise<Reply> {
    const body = JSON.stringify(operation);
    const { promise, resolve } = Promise.withResolvers<Reply>();
    const url = new URL('/graphql', options.url);
    const open = url.protocol === 'https:' ? requestSecurely : request;
    const outgoing = open(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        accept: 'application/graphql-response+json',
        authorization: `Bearer ${options.token}`,
      },
      ...(url.protocol === 'https:' ? {} : { agent: this.#agent }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    const timer = setTimeout(
      () => outgoing.destroy(new Error(`no answer within ${options.timeoutMs} ms`)),
      options.timeoutMs,
    );
    outgoing.on('response', (response) => readReply(response, resolve));
    outgoing.on('error', (error: NodeJS.ErrnoException) => resolve(describeBreak(error)));
    outgoing.on('close', () => {
      clearTimeout(timer);
      resolve({ kind: 'broken', sent: wasSent(outgoing), reason: 'the connection was closed' });
    });
    outgoing.end(body);
    return promise;
  }

  close(): void {
    this.#agent.destroy();
  }
}

function readReply(response: IncomingMessage, resolve: (reply: Reply) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= answerBytesMax) chunks.push(chunk);
    else response.destroy(new Error('the answer is too long'));
  });
  response.on('end', () => resolve(parseReply(Buffer.concat(chunks).toString('utf8'), response.statusCode ?? 0)));
  response.on('error', (error: NodeJS.ErrnoException) =>
    resolve({ kind: 'broken', sent: true, reason: error.code ?? error.message }),
  );
}

interface Body {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly {
    readonly message: string;
    readonly extensions?: { readonly code?: string; readonly retryAfterMs?: number };
  }[];
}

function parseReply(text: string, status: number): Reply {
  let body: Body;
  try {
    body = JSON.parse(text) as Body;
  } catch {
    // Something between us and the gateway answered; the request may have got through.
    return { kind: 'broken', sent: true, reason: `HTTP ${status} without a GraphQL answer` };
  }
  const error = body.errors?.[0];
  if (error === undefined && body.data !== null && body.data !== undefined) return { kind: 'data', data: body.data };
  return {
    kind: 'fault',
    code: error?.extensions?.code ?? `HTTP_${status}`,
    message: error?.message ?? 'no data',
    retryAfterMs: error?.extensions?.retryAfterMs ?? null,
  };
}

function describeBreak(error: NodeJS.ErrnoException): Reply {
  return { kind: 'broken', sent: !unsent.has(error.code ?? ''), reason: error.code ?? error.message };
}

function wasSent(outgoing: ClientRequest): boolean {
  return outgoing.socket !== null && outgoing.socket.bytesWritten > 0;
}
