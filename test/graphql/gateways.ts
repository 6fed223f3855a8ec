import type { IncomingHttpHeaders } from 'node:http';
import { request as sendRequest } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import { pino } from 'pino';
import { createAuthenticator, issueToken } from '../../src/auth/tokens.ts';
import type { Role } from '../../src/domain/actor.ts';
import type { Gateway, GatewayOptions } from '../../src/graphql/server.ts';
import { createGateway } from '../../src/graphql/server.ts';
import { smallSchema } from './small-schema.ts';

/** Starts gateways over the small schema, on free ports of the loopback interface, and talks to them. */

export const testSecret = 'a secret that only the tests know about';

export function token(roles: readonly Role[] = ['applicant'], expiresInSeconds = 600): Promise<string> {
  return issueToken({ subject: 'alice', namespace: 'acme', roles, secret: testSecret, expiresInSeconds });
}

export interface TestGateway {
  readonly gateway: Gateway;
  /** Everything that was logged, line by line. */
  readonly lines: readonly string[];
}

export interface RunningGateway extends TestGateway {
  readonly port: number;
}

export function createTestGateway(options: Partial<GatewayOptions> = {}): TestGateway {
  const lines: string[] = [];
  const gateway = createGateway({
    schema: smallSchema,
    services: {} as GatewayOptions['services'],
    authenticate: createAuthenticator({
      authSecret: testSecret,
      authJwksUrl: undefined,
      authIssuer: undefined,
      authAudience: undefined,
    }),
    log: pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) }),
    mode: 'production',
    allowedOrigins: ['https://app.example.com'],
    otherRoutes: () => false,
    ...options,
  });
  return { gateway, lines };
}

export async function startGateway(options: Partial<GatewayOptions> = {}): Promise<RunningGateway> {
  const created = createTestGateway(options);
  return { ...created, ...(await created.gateway.start(0, '127.0.0.1')) };
}

export interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

export interface Received {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Sends one request on a connection of its own and reads the whole answer. */
export function exchange(port: number, { method = 'POST', path = '/graphql', headers, body }: Sent): Promise<Received> {
  return new Promise((resolve, reject) => {
    const request = sendRequest({ port, host: '127.0.0.1', method, path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString('utf8'),
        });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** An operation as a JSON POST with a token. */
export async function post(operation: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Sent> {
  return {
    headers: { 'content-type': 'application/json', authorization: `Bearer ${await token()}`, ...headers },
    body: typeof operation === 'string' ? operation : JSON.stringify(operation),
  };
}

export interface BothWays {
  /** Sends the same to the fast path and to Yoga, and fails when the answers differ. */
  send(sent: Sent): Promise<Received>;
  readonly fast: RunningGateway;
  readonly yoga: RunningGateway;
  stop(): Promise<void>;
}

const comparedHeaders = [
  'content-type',
  'allow',
  'accept-post',
  'retry-after',
  'www-authenticate',
  'cache-control',
  'x-content-type-options',
  'access-control-allow-origin',
  'vary',
] as const;

export async function startBothWays(options: Partial<GatewayOptions> = {}): Promise<BothWays> {
  const fast = await startGateway({ ...options, fastPath: true });
  const yoga = await startGateway({ ...options, fastPath: false });
  return {
    fast,
    yoga,
    async send(sent) {
      const [first, second] = await Promise.all([exchange(fast.port, sent), exchange(yoga.port, sent)]);
      const [left, right] = [summarize(first), summarize(second)];
      if (!isDeepStrictEqual(left, right)) {
        throw new Error(`The ways differ:\n${JSON.stringify(left, null, 1)}\n${JSON.stringify(right, null, 1)}`);
      }
      return first;
    },
    async stop() {
      await Promise.all([fast.gateway.stop(1_000), yoga.gateway.stop(1_000)]);
    },
  };
}

function summarize({ status, headers, body }: Received) {
  const names = comparedHeaders.map((name) => [name, headers[name]]);
  // Each request has its own id, which is all that may differ.
  return { status, headers: names, body: body.replace(/"requestId":"[\w-]+"/g, '"requestId":"?"') };
}

/** The code of the first error, its status, and what it says of the input. */
export function readError({ status, body }: Received) {
  const { errors } = JSON.parse(body) as {
    errors?: { message: string; extensions: { code: string; field?: string; retryAfterMs?: number } }[];
  };
  const error = errors?.[0];
  return { status, code: error?.extensions.code, field: error?.extensions.field, message: error?.message };
}
