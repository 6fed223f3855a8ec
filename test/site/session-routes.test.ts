import { createServer, request as sendRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthenticator } from '../../src/auth/tokens.ts';
import type { Config } from '../../src/config.ts';
import { ConfigError, readConfig } from '../../src/config.ts';
import { createSessionRoutes } from '../../src/site/session-routes.ts';

const secret = 'a secret of at least thirty-two letters';
const environment = {
  DATABASE_URLS: 'postgres://127.0.0.1/x',
  NATS_URL: 'nats://127.0.0.1',
  AUTH_SECRET: secret,
  BLOB_URL: 'fs:documents',
};
const open = readConfig({ ...environment, DEVELOPMENT_SIGN_IN: 'true' });
let config: Config = open;
let port = 0;
const server = createServer((request, response) => {
  void createSessionRoutes(config)
    .answer(request, response, request.url!)
    .then((answered) => {
      if (!answered) response.writeHead(404).end('{}');
    });
});
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
});
afterAll(() => server.close());

const json = { 'content-type': 'application/json' };

async function send(
  path: string,
  headers: Record<string, string> = {},
  body?: string,
): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST';
    sendRequest({ host: '127.0.0.1', port, path, headers, method }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on('end', () => resolve({ status: response.statusCode!, body: JSON.parse(text) }));
    })
      .once('error', reject)
      .end(body);
  });
}

describe('signing in', () => {
  it('gives an example person a token, in development, to a browser on this machine', async () => {
    config = open;
    const { people } = (await send('/session')).body as { people: readonly { name: string }[] };
    expect(people.map(({ name }) => name)).toContain('bob');
    const { status, body } = await send('/session/development', json, '{"name":"bob"}');
    expect(status).toBe(200);
    const authenticate = createAuthenticator(config);
    expect(await authenticate(`Bearer ${String(body.token)}`)).toMatchObject({
      subject: 'bob',
      namespace: 'acme',
      roles: new Set(['auditor']),
    });
  });

  it('refuses a strange name, a form, a GET, and a page whose name was pointed at this machine', async () => {
    config = open;
    const answers = await Promise.all([
      send('/session/development', json, '{"name":"mallory"}'),
      send('/session/development', json, 'null'),
      send('/session/development', json, `{"name":"${'x'.repeat(2_000)}"}`),
      send('/session/development', { 'content-type': 'text/plain' }, '{"name":"bob"}'),
      send('/session/development'),
      send('/session/development', { ...json, host: 'evil.example' }, '{"name":"bob"}'),
      send('/session/development', { ...json, host: `127.0.0.1.evil.example:${port}` }, '{"name":"bob"}'),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 415, 405, 403, 403]);
    for (const { body } of answers) expect(body.token).toBeUndefined();
    expect((await send('/session', { host: 'evil.example' })).body.people).toEqual([]);
  });

  it('knows nobody where it was not switched on, and cannot be switched on in production', async () => {
    config = readConfig(environment);
    expect((await send('/session')).body).toEqual({ development: true, people: [], oidc: null });
    expect((await send('/session/development', json, '{"name":"bob"}')).status).toBe(404);
    expect(() => readConfig({ ...environment, DEVELOPMENT_SIGN_IN: 'true', NODE_ENV: 'production' })).toThrow(
      ConfigError,
    );
  });

  it('tells the dashboard of an identity provider, and refuses half of one', async () => {
    const provider = { OIDC_AUTHORITY: 'https://id.example/realm/', OIDC_CLIENT_ID: 'caseload' };
    config = readConfig({ ...environment, ...provider, NODE_ENV: 'production' });
    expect((await send('/session')).body.oidc).toEqual({
      authority: 'https://id.example/realm',
      clientId: 'caseload',
      scope: 'openid profile',
    });
    expect(() => readConfig({ ...environment, OIDC_CLIENT_ID: 'caseload' })).toThrow('OIDC_AUTHORITY');
    expect(() =>
      readConfig({ ...environment, ...provider, OIDC_AUTHORITY: 'http://id.example', NODE_ENV: 'production' }),
    ).toThrow('OIDC_AUTHORITY');
  });
});
