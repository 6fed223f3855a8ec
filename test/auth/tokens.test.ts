import { createHmac, generateKeyPairSync, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CryptoKey, JWK } from 'jose';
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from 'jose';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Authenticate, AuthenticatorOptions } from '../../src/auth/tokens.ts';
import { createAuthenticator, issueToken } from '../../src/auth/tokens.ts';
import { Fault } from '../../src/domain/errors.ts';

const secret = 'a secret of more than thirty-two characters';
const claims = { sub: 'alice', namespace: 'acme', roles: ['auditor'] };

function authenticator(options: Partial<AuthenticatorOptions> = {}): Authenticate {
  return createAuthenticator({
    authSecret: secret,
    authJwksUrl: undefined,
    authIssuer: undefined,
    authAudience: undefined,
    ...options,
  });
}

async function faultOf(authenticate: Authenticate, header: string): Promise<Fault> {
  try {
    await authenticate(header);
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error('the token was taken');
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function sign(header: object, payload: object, key: string): string {
  const text = `${encode(header)}.${encode(payload)}`;
  return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`;
}

describe('a shared secret', () => {
  test('an issued token is taken', async () => {
    const token = await issueToken({
      subject: 'alice',
      namespace: 'acme',
      roles: ['auditor'],
      secret,
      expiresInSeconds: 60,
    });
    const actor = await authenticator()(`Bearer ${token}`);
    expect(actor).toMatchObject({ subject: 'alice', namespace: 'acme', roles: new Set(['auditor']) });
    expect(actor?.expiresAtSeconds).toBeGreaterThan(Date.now() / 1_000);
  });

  test('no header is nobody', () => {
    expect(authenticator()(undefined)).toBeUndefined();
  });

  test('the second time costs no promise', async () => {
    const authenticate = authenticator();
    const header = `bearer ${sign({ alg: 'HS256' }, claims, secret)}`;
    const first = authenticate(header);
    expect(first).toBeInstanceOf(Promise);
    const actor = await first;
    expect(authenticate(header)).toBe(actor);
  });

  test('a remembered token ends with its own time', async () => {
    let now = Date.now();
    const authenticate = authenticator({ now: () => now });
    const exp = Math.floor(now / 1_000) + 30;
    const header = `Bearer ${sign({ alg: 'HS256' }, { ...claims, exp }, secret)}`;
    await authenticate(header);
    now += 29_000;
    expect(authenticate(header)).not.toBeInstanceOf(Promise);
    now += 10_000;
    expect(await faultOf(authenticate, header)).toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('a token without an end is checked again after a minute', async () => {
    let now = Date.now();
    const authenticate = authenticator({ now: () => now });
    const header = `Bearer ${sign({ alg: 'HS256' }, claims, secret)}`;
    await authenticate(header);
    now += 61_000;
    expect(authenticate(header)).toBeInstanceOf(Promise);
  });

  test('roles that this version does not know are ignored', async () => {
    const header = `Bearer ${sign({ alg: 'HS256' }, { ...claims, roles: ['janitor', 'auditor', 7] }, secret)}`;
    expect((await authenticator()(header))?.roles).toEqual(new Set(['auditor']));
  });

  test('operators of the whole installation have the namespace *', async () => {
    const header = `Bearer ${sign({ alg: 'HS256' }, { ...claims, namespace: '*', roles: ['operator'] }, secret)}`;
    expect((await authenticator()(header))?.namespace).toBe('*');
  });
});

describe('what is refused, always with the same words', () => {
  const now = Math.floor(Date.now() / 1_000);
  const good = sign({ alg: 'HS256' }, claims, secret);
  const [head = '', body = '', signature = ''] = good.split('.');
  const header = { alg: 'HS256' };

  const headers: readonly (readonly [string, string])[] = [
    ['an empty header', ''],
    ['another scheme', `Basic ${good}`],
    ['a scheme without a token', 'Bearer '],
    ['a scheme without a space', `Bearer${good}`],
    ['text that is no token', 'Bearer token'],
    ['three dots', 'Bearer ...'],
    ['a token without its signature', `Bearer ${head}.${body}.`],
    ['a token cut short', `Bearer ${head}.${body}`],
    ['another body under the same signature', `Bearer ${head}.${encode({ ...claims, sub: 'bob' })}.${signature}`],
    ['alg none', `Bearer ${encode({ alg: 'none' })}.${body}.`],
    ['alg None', `Bearer ${encode({ alg: 'None' })}.${body}.`],
    ['alg none with a signature', `Bearer ${encode({ alg: 'none' })}.${body}.${signature}`],
    ['no alg', `Bearer ${sign({}, claims, secret)}`],
    ['a number for alg', `Bearer ${sign({ alg: 7 }, claims, secret)}`],
    ['HS512', `Bearer ${sign({ alg: 'HS512' }, claims, secret)}`],
    ['RS256 where no key server is', `Bearer ${sign({ alg: 'RS256' }, claims, secret)}`],
    ['another key', `Bearer ${sign(header, claims, 'another secret of more than 32 characters')}`],
    ['an empty key', `Bearer ${sign(header, claims, '')}`],
    ['an expired token', `Bearer ${sign(header, { ...claims, exp: now - 60 }, secret)}`],
    ['one that is not valid yet', `Bearer ${sign(header, { ...claims, nbf: now + 60 }, secret)}`],
    ['a text for exp', `Bearer ${sign(header, { ...claims, exp: 'never' }, secret)}`],
    ['a critical extension', `Bearer ${sign({ ...header, crit: ['x'], x: 1 }, claims, secret)}`],
    ['an encrypted token', `Bearer ${sign({ alg: 'dir', enc: 'A256GCM' }, claims, secret)}`],
    ['another type of token', `Bearer ${sign({ ...header, typ: 'logout+jwt' }, claims, secret)}`],
    ['a number for the type', `Bearer ${sign({ ...header, typ: 7 }, claims, secret)}`],
    ['no subject', `Bearer ${sign(header, { ...claims, sub: undefined }, secret)}`],
    ['an empty subject', `Bearer ${sign(header, { ...claims, sub: '' }, secret)}`],
    ['a number for the subject', `Bearer ${sign(header, { ...claims, sub: 7 }, secret)}`],
    ['a subject of 201 characters', `Bearer ${sign(header, { ...claims, sub: 'x'.repeat(201) }, secret)}`],
    ['a null character in the subject', `Bearer ${sign(header, { ...claims, sub: 'a\0' }, secret)}`],
    ['no namespace', `Bearer ${sign(header, { ...claims, namespace: undefined }, secret)}`],
    ['a list for the namespace', `Bearer ${sign(header, { ...claims, namespace: ['acme'] }, secret)}`],
    ['a namespace that is no name', `Bearer ${sign(header, { ...claims, namespace: 'acme.*' }, secret)}`],
    ['no roles', `Bearer ${sign(header, { ...claims, roles: undefined }, secret)}`],
    ['an empty list of roles', `Bearer ${sign(header, { ...claims, roles: [] }, secret)}`],
    ['unknown roles only', `Bearer ${sign(header, { ...claims, roles: ['janitor'] }, secret)}`],
    ['a text for the roles', `Bearer ${sign(header, { ...claims, roles: 'operator' }, secret)}`],
    ['a token of 9,000 characters', `Bearer ${sign(header, { ...claims, x: 'x'.repeat(9_000) }, secret)}`],
    ['two tokens', `Bearer ${good}, Bearer ${good}`],
  ];

  test.each(headers)('%s', async (_name, given) => {
    const fault = await faultOf(authenticator(), given);
    expect(fault.code).toBe('UNAUTHENTICATED');
    expect(fault.message).toBe('A valid token is needed');
  });

  test('another issuer or audience, or none', async () => {
    const authenticate = authenticator({ authIssuer: 'https://id.example.com', authAudience: 'caseload' });
    const right = { ...claims, iss: 'https://id.example.com', aud: ['other', 'caseload'] };
    expect(await authenticate(`Bearer ${sign(header, right, secret)}`)).toBeDefined();
    for (const wrong of [claims, { ...right, iss: 'https://evil.example.com' }, { ...right, aud: 'other' }]) {
      expect((await faultOf(authenticate, `Bearer ${sign(header, wrong, secret)}`)).code).toBe('UNAUTHENTICATED');
    }
  });

  test('nobody is let in when neither a secret nor a key server is known', async () => {
    expect((await faultOf(authenticator({ authSecret: undefined }), `Bearer ${good}`)).code).toBe('UNAUTHENTICATED');
  });
});

describe('a key server', () => {
  let keys: { readonly kid: string; readonly privateKey: CryptoKey; readonly jwk: JWK }[];
  let published: JWK[];
  let answer: 'keys' | 'error' | 'nonsense' | 'silence';
  let fetches: number;
  let server: Server;
  let url: string;

  const makeKey = async (alg: string) => {
    const { privateKey, publicKey } = await generateKeyPair(alg);
    const kid = randomUUID();
    return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
  };
  const signWith = (index: number, header: object = {}) => {
    const key = keys[index]!;
    return new SignJWT(claims)
      .setProtectedHeader({ alg: key.jwk.alg!, kid: key.kid, ...header })
      .setExpirationTime('10m')
      .sign(key.privateKey);
  };

  beforeAll(async () => {
    keys = await Promise.all(['RS256', 'ES256', 'EdDSA', 'RS256'].map(makeKey));
  });

  beforeEach(async () => {
    published = keys.slice(0, 3).map(({ jwk }) => jwk);
    answer = 'keys';
    fetches = 0;
    server = createServer((_request, response) => {
      fetches += 1;
      if (answer === 'silence') return;
      if (answer === 'error') response.statusCode = 500;
      response.end(answer === 'nonsense' ? '<html>' : JSON.stringify({ keys: published }));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
  });

  afterEach(() => {
    vi.useRealTimers();
    server.closeAllConnections();
    server.close();
  });

  const remote = () => authenticator({ authSecret: undefined, authJwksUrl: url });

  test.each([
    ['RS256', 0],
    ['ES256', 1],
    ['EdDSA', 2],
  ])('a token signed with %s is taken, and the keys are fetched once', async (_alg, index) => {
    const authenticate = remote();
    expect(await authenticate(`Bearer ${await signWith(index)}`)).toMatchObject({ subject: 'alice' });
    await authenticate(`Bearer ${await signWith(0)}`);
    expect(fetches).toBe(1);
  });

  test('a token signed by HMAC with the public key as its secret is refused', async () => {
    const pem = generateKeyPairSync('rsa', { modulusLength: 2_048 }).publicKey.export({ type: 'spki', format: 'pem' });
    const { publicKey } = await generateKeyPair('RS256', { extractable: true });
    for (const key of [String(pem), await exportSPKI(publicKey), JSON.stringify(published[0])]) {
      const header = { alg: 'HS256', kid: keys[0]!.kid };
      expect((await faultOf(remote(), `Bearer ${sign(header, claims, key)}`)).code).toBe('UNAUTHENTICATED');
    }
  });

  test('a secret and a key server may serve side by side, each its own algorithms', async () => {
    const both = authenticator({ authJwksUrl: url });
    expect(await both(`Bearer ${await signWith(0)}`)).toBeDefined();
    expect(await both(`Bearer ${sign({ alg: 'HS256' }, claims, secret)}`)).toBeDefined();
  });

  test('a key brought along in the token is not used', async () => {
    const stranger = await makeKey('RS256');
    const token = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'RS256', jwk: stranger.jwk, jku: url, kid: stranger.kid })
      .sign(stranger.privateKey);
    expect((await faultOf(remote(), `Bearer ${token}`)).code).toBe('UNAUTHENTICATED');
  });

  test('a key that was added later is found, with one fetch in 30 seconds whatever comes', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const authenticate = remote();
    await authenticate(`Bearer ${await signWith(0)}`);
    published = keys.map(({ jwk }) => jwk);
    const late = `Bearer ${await signWith(3)}`;
    for (let attempt = 0; attempt < 20; attempt++)
      expect((await faultOf(authenticate, late)).code).toBe('UNAUTHENTICATED');
    expect(fetches).toBe(1);
    vi.setSystemTime(Date.now() + 31_000);
    expect(await authenticate(late)).toMatchObject({ subject: 'alice' });
    expect(fetches).toBe(2);
  });

  test('a key that was taken away ends within its ten minutes', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const authenticate = remote();
    const header = `Bearer ${await signWith(0)}`;
    await authenticate(header);
    published = keys.slice(1).map(({ jwk }) => jwk);
    vi.setSystemTime(Date.now() + 601_000);
    expect((await faultOf(authenticate, `Bearer ${await signWith(0)}`)).code).toBe('UNAUTHENTICATED');
  });

  test.each(['error', 'nonsense'] as const)('%s from the server is UNAVAILABLE, and nobody is let in', async (kind) => {
    answer = kind;
    const fault = await faultOf(remote(), `Bearer ${await signWith(0)}`);
    expect(fault.code).toBe('UNAVAILABLE');
    expect(fault.retryAfterMs).toBeGreaterThan(0);
    expect(fault.message).not.toContain(url);
  });

  test('a server that cannot be reached is UNAVAILABLE, and is asked once a second', async () => {
    answer = 'error';
    const authenticate = remote();
    const header = `Bearer ${await signWith(0)}`;
    for (let attempt = 0; attempt < 20; attempt++)
      expect((await faultOf(authenticate, header)).code).toBe('UNAVAILABLE');
    expect(fetches).toBe(1);
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    const gone = remote();
    expect((await faultOf(gone, header)).code).toBe('UNAVAILABLE');
  });

  test('known keys go on serving while the server is down, and new ones wait', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const authenticate = remote();
    await authenticate(`Bearer ${await signWith(0)}`);
    answer = 'error';
    vi.setSystemTime(Date.now() + 40_000);
    expect((await faultOf(authenticate, `Bearer ${await signWith(3)}`)).code).toBe('UNAVAILABLE');
    expect(await authenticate(`Bearer ${await signWith(1)}`)).toBeDefined();
  });

  test('old keys are not trusted when the server stays down', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const authenticate = remote();
    await authenticate(`Bearer ${await signWith(0)}`);
    answer = 'error';
    vi.setSystemTime(Date.now() + 601_000);
    expect((await faultOf(authenticate, `Bearer ${await signWith(0)}`)).code).toBe('UNAVAILABLE');
  });

  test('a server that says nothing is given up after five seconds', async () => {
    answer = 'silence';
    const started = performance.now();
    expect((await faultOf(remote(), `Bearer ${await signWith(0)}`)).code).toBe('UNAVAILABLE');
    expect(performance.now() - started).toBeLessThan(7_000);
  }, 15_000);
});
