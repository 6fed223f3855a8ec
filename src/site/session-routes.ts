import type { IncomingMessage, ServerResponse } from 'node:http';
import { developmentNamespace, developmentPeople } from '../auth/development-people.ts';
import { issueToken } from '../auth/tokens.ts';
import type { Config } from '../config.ts';

const bodyBytesMax = 1_000;
const expiresInSeconds = 12 * 3_600;
const loopbackAddresses: readonly (string | undefined)[] = ['127.0.0.1', '::1', '::ffff:127.0.0.1'];
const loopbackHosts: readonly string[] = ['127.0.0.1', 'localhost', '[::1]'];

export interface SessionRoutes {
  /** @returns false for other paths */
  answer(request: IncomingMessage, response: ServerResponse, path: string): Promise<boolean>;
}

/**
 * How people get their token on the sign-in page: `GET /session` says which ways there are, and in development
 * `POST /session/development` signs a token for one of the example people.
 */
export function createSessionRoutes(config: Config): SessionRoutes {
  return {
    async answer(request, response, path) {
      if (path === '/session') {
        if (request.method === 'GET' || request.method === 'HEAD')
          sendJson(response, 200, describeWays(request, config));
        else refuse(response, 405, 'This path takes GET', { allow: 'GET, HEAD' });
        return true;
      }
      if (path !== '/session/development' || !config.developmentSignIn) return false;
      await signIn(request, response, config);
      return true;
    },
  };
}

function describeWays(request: IncomingMessage, config: Config): object {
  return {
    development: config.mode === 'development',
    people: config.developmentSignIn && isFromHere(request) ? developmentPeople : [],
    oidc: config.oidc ?? null,
  };
}

/**
 * Only for a browser on this very machine, under this machine's own names: a page elsewhere whose name was pointed at
 * us must not get a token.
 */
function isFromHere(request: IncomingMessage): boolean {
  const host = request.headers.host ?? '';
  return (
    loopbackAddresses.includes(request.socket.remoteAddress) && loopbackHosts.includes(host.replace(/:\d{1,5}$/, ''))
  );
}

async function signIn(request: IncomingMessage, response: ServerResponse, config: Config): Promise<void> {
  if (request.method !== 'POST') return refuse(response, 405, 'This path takes POST', { allow: 'POST' });
  // Pages of other origins cannot send JSON without being asked first, which they never are here.
  if (request.headers['content-type'] !== 'application/json') return refuse(response, 415, 'The body must be JSON');
  if (!isFromHere(request)) return refuse(response, 403, 'Only for a browser on the same machine');
  const name = await readName(request);
  const person = developmentPeople.find((known) => known.name === name);
  if (person === undefined || config.authSecret === undefined)
    return refuse(response, 404, 'There is nobody of that name');
  const token = await issueToken({
    subject: person.name,
    namespace: person.everywhere === true ? '*' : developmentNamespace,
    roles: [person.role],
    secret: config.authSecret,
    expiresInSeconds,
    issuer: config.authIssuer,
    audience: config.authAudience,
  });
  sendJson(response, 200, { token });
}

async function readName(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > bodyBytesMax) return undefined;
  }
  try {
    return (JSON.parse(text) as { name?: unknown } | null)?.name;
  } catch {
    return undefined;
  }
}

function refuse(
  response: ServerResponse,
  status: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  sendJson(response, status, { errors: [{ message }] }, headers);
}

function sendJson(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  });
  response.end(text);
}
