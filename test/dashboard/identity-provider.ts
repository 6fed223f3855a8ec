import { createHash, randomUUID } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

/** An OpenID Connect provider at which one person is always signed in; it insists on PKCE. */
export class IdentityProvider {
  readonly #server: Server;
  readonly #challenges = new Map<string, { readonly challenge: string; readonly nonce: string | null }>();
  #origin = '';

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(subject: string, roles: readonly string[]): Promise<IdentityProvider> {
    const { publicKey, privateKey } = await generateKeyPair('RS256');
    const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256' };
    const server = createServer((request, response) => {
      provider
        .#answer(request, response, jwk, (claims) =>
          new SignJWT({ ...claims, namespace: 'acme', roles: [...roles] })
            .setProtectedHeader({ alg: 'RS256', kid: 'one' })
            .setIssuer(provider.origin)
            .setSubject(subject)
            .setAudience('caseload')
            .setIssuedAt()
            .setExpirationTime('10m')
            .sign(privateKey),
        )
        .catch((error: unknown) => response.writeHead(400).end(String(error)));
    });
    const provider = new IdentityProvider(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    provider.#origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return provider;
  }

  get origin(): string {
    return this.#origin;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(
    request: IncomingMessage,
    response: ServerResponse,
    jwk: object,
    sign: (claims: object) => Promise<string>,
  ): Promise<void> {
    const { pathname, searchParams } = new URL(request.url!, this.#origin);
    const json = (body: object): void => {
      response.writeHead(200, { 'content-type': 'application/json', 'access-control-allow-origin': '*' });
      response.end(JSON.stringify(body));
    };
    if (pathname === '/.well-known/openid-configuration') {
      return json({
        issuer: this.#origin,
        authorization_endpoint: `${this.#origin}/authorize`,
        token_endpoint: `${this.#origin}/token`,
        jwks_uri: `${this.#origin}/keys`,
      });
    }
    if (pathname === '/keys') return json({ keys: [jwk] });
    if (pathname === '/authorize') {
      const code = randomUUID();
      this.#challenges.set(code, { challenge: searchParams.get('code_challenge')!, nonce: searchParams.get('nonce') });
      const back = new URL(searchParams.get('redirect_uri')!);
      back.searchParams.set('code', code);
      back.searchParams.set('state', searchParams.get('state')!);
      response.writeHead(302, { location: back.href }).end();
      return;
    }
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const form = new URLSearchParams(body);
    const { challenge, nonce } = this.#challenges.get(form.get('code') ?? '')!;
    const shown = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    if (shown !== challenge) throw new Error('The verifier does not fit the challenge');
    json({
      token_type: 'Bearer',
      expires_in: 600,
      access_token: await sign({}),
      id_token: await sign(nonce === null ? {} : { nonce }),
    });
  }
}
