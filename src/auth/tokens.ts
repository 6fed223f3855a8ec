import { createSecretKey } from 'node:crypto';
import type { CryptoKey, JWTPayload, JWTVerifyGetKey, JWTVerifyOptions } from 'jose';
import { createRemoteJWKSet, decodeProtectedHeader, errors, jwtVerify, SignJWT } from 'jose';
import type { Actor, Role } from '../domain/actor.ts';
import { roles as knownRoles } from '../domain/actor.ts';
import { Fault } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { isName } from '../domain/names.ts';
import { RecentCache } from '../domain/recent-cache.ts';

const tokenCharactersMax = 8_192;
const rememberedTokensMax = 10_000;
const rememberedMilliseconds = 60_000;
const clockToleranceSeconds = 5;
const jwksCacheMilliseconds = 600_000;
const jwksCooldownMilliseconds = 30_000;
const jwksTimeoutMilliseconds = 5_000;
/** After a failed fetch the key server is left alone this long: a flood of tokens must not become a flood of fetches. */
const jwksPauseMilliseconds = 1_000;

const secretAlgorithms: readonly string[] = ['HS256'];
const publicKeyAlgorithms: readonly string[] = ['RS256', 'ES256', 'EdDSA'];
const tokenTypes: readonly unknown[] = [undefined, 'jwt', 'at+jwt', 'application/at+jwt'];

export interface AuthenticatorOptions {
  /** The shared secret of HS256 tokens, at least 32 characters. */
  readonly authSecret: string | undefined;
  /** The secret before it, whose tokens are good until it is taken away. */
  readonly authSecretPrevious?: string | undefined;
  /** Where the public keys of RS256, ES256 and EdDSA tokens are fetched. */
  readonly authJwksUrl: string | undefined;
  /** When given, the `iss` claim must be this. */
  readonly authIssuer: string | undefined;
  /** When given, the `aud` claim must name this. */
  readonly authAudience: string | undefined;
  /** The clock in milliseconds; the system's when not given. */
  readonly now?: () => number;
}

/**
 * Says who sends a request.
 * @param authorizationHeader the whole header; without one nobody is meant, which is not an error here
 * @returns the actor; at once (no promise) for a token that was verified within the last minute
 * @throws Fault `UNAUTHENTICATED` for every token that does not hold, always with the same text;
 * `UNAVAILABLE` when the key server cannot be reached
 */
export type Authenticate = (authorizationHeader: string | undefined) => Promise<Actor> | Actor | undefined;

interface Remembered {
  readonly actor: Actor;
  readonly untilMilliseconds: number;
}

type Verify = (token: string) => Promise<JWTPayload>;

/** Makes the one check that every way in uses. Algorithms are fixed by the kind of key, never taken from the token. */
export function createAuthenticator(options: AuthenticatorOptions): Authenticate {
  const now = options.now ?? Date.now;
  const claimRules = (): JWTVerifyOptions => ({
    issuer: options.authIssuer,
    audience: options.authAudience,
    clockTolerance: clockToleranceSeconds,
    currentDate: new Date(now()),
  });
  const bySecret =
    options.authSecret === undefined
      ? refuse
      : createSecretVerifier(options.authSecret, options.authSecretPrevious, claimRules);
  const byPublicKey =
    options.authJwksUrl === undefined ? refuse : createPublicKeyVerifier(options.authJwksUrl, claimRules, now);
  const remembered = new RecentCache<Remembered>(rememberedTokensMax);

  const verify = async (token: string): Promise<Actor> => {
    const payload = await chooseVerifier(token, bySecret, byPublicKey)(token);
    const actor = readClaims(payload);
    const expiresAt = (actor.expiresAtSeconds ?? Number.POSITIVE_INFINITY) * 1_000;
    remembered.set(token, { actor, untilMilliseconds: Math.min(expiresAt, now() + rememberedMilliseconds) });
    return actor;
  };

  return (authorizationHeader) => {
    if (authorizationHeader === undefined) return undefined;
    const token = readBearer(authorizationHeader);
    const known = remembered.get(token);
    if (known !== undefined) {
      if (now() < known.untilMilliseconds) return known.actor;
      remembered.delete(token);
    }
    return verify(token).catch((error: unknown) => {
      throw error instanceof Fault ? error : unauthenticated(error);
    });
  };
}

function unauthenticated(cause?: unknown): Fault {
  return new Fault('UNAUTHENTICATED', 'A valid token is needed', { cause });
}

function readBearer(header: string): string {
  const token = header.slice(7).trim();
  if (header.slice(0, 7).toLowerCase() !== 'bearer ' || token === '' || token.length > tokenCharactersMax) {
    throw unauthenticated();
  }
  return token;
}

const refuse: Verify = () => Promise.reject(unauthenticated());

function chooseVerifier(token: string, bySecret: Verify, byPublicKey: Verify): Verify {
  const { alg, typ } = decodeProtectedHeader(token);
  // A signed logout notice or another kind of JWT from the same issuer is not an access token.
  if (!tokenTypes.includes(typ?.toLowerCase())) return refuse;
  if (alg === undefined) return refuse;
  if (secretAlgorithms.includes(alg)) return bySecret;
  return publicKeyAlgorithms.includes(alg) ? byPublicKey : refuse;
}

function createSecretVerifier(
  secret: string,
  previousSecret: string | undefined,
  claimRules: () => JWTVerifyOptions,
): Verify {
  const verifyBy = (text: string): Verify => {
    const key = createSecretKey(text, 'utf8');
    return async (token) => {
      const { payload } = await jwtVerify(token, key, { ...claimRules(), algorithms: [...secretAlgorithms] });
      return payload;
    };
  };
  const verify = verifyBy(secret);
  if (previousSecret === undefined) return verify;
  const verifyEarlier = verifyBy(previousSecret);
  return async (token) => {
    try {
      return await verify(token);
    } catch (error) {
      if (error instanceof errors.JWSSignatureVerificationFailed) return verifyEarlier(token);
      throw error;
    }
  };
}

function createPublicKeyVerifier(url: string, claimRules: () => JWTVerifyOptions, now: () => number): Verify {
  const keys = createRemoteJWKSet(new URL(url), {
    cacheMaxAge: jwksCacheMilliseconds,
    cooldownDuration: jwksCooldownMilliseconds,
    timeoutDuration: jwksTimeoutMilliseconds,
  });
  let pausedUntil = 0;
  const isAtHand = (kid: string | undefined): boolean =>
    keys.fresh && kid !== undefined && keys.jwks()?.keys.some((key) => key.kid === kid) === true;
  const findKey: JWTVerifyGetKey<CryptoKey> = async (header, token) => {
    if (now() < pausedUntil && !isAtHand(header.kid)) throw keysUnreachable();
    try {
      return await keys(header, token);
    } catch (error) {
      if (isAboutToken(error)) throw error;
      pausedUntil = now() + jwksPauseMilliseconds;
      throw keysUnreachable(error);
    }
  };
  return async (token) => {
    const { payload } = await jwtVerify(token, findKey, { ...claimRules(), algorithms: [...publicKeyAlgorithms] });
    return payload;
  };
}

function isAboutToken(error: unknown): boolean {
  return error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys;
}

function keysUnreachable(cause?: unknown): Fault {
  return new Fault('UNAVAILABLE', 'Tokens cannot be checked right now', { retryAfterMs: jwksPauseMilliseconds, cause });
}

function readClaims(payload: JWTPayload): Actor {
  const { sub, exp } = payload;
  const namespace = payload.namespace;
  if (sub === undefined || sub.length < 1 || sub.length > limits.textCharacters || !isCleanText(sub)) {
    throw unauthenticated();
  }
  if (typeof namespace !== 'string' || (namespace !== '*' && !isName(namespace))) throw unauthenticated();
  const roles = readRoles(payload.roles);
  if (roles.size === 0) throw unauthenticated();
  return Object.freeze({ subject: sub, namespace, roles, expiresAtSeconds: exp });
}

function isCleanText(text: string): boolean {
  return text.isWellFormed() && !/\p{Cc}/u.test(text);
}

/** The roles that this version knows; a token may carry others for other services. */
function readRoles(claim: unknown): ReadonlySet<Role> {
  return new Set(Array.isArray(claim) ? knownRoles.filter((role) => claim.includes(role)) : []);
}

export interface TokenOrder {
  readonly subject: string;
  readonly namespace: string;
  readonly roles: readonly Role[];
  readonly secret: string;
  readonly expiresInSeconds: number;
  readonly issuer?: string | undefined;
  readonly audience?: string | undefined;
  /** The clock in milliseconds; the system's when not given. */
  readonly now?: () => number;
}

/** Signs a token with a shared secret (HS256), for development and for programs without an identity provider. */
export function issueToken(order: TokenOrder): Promise<string> {
  const issuedAtSeconds = Math.floor((order.now ?? Date.now)() / 1_000);
  const token = new SignJWT({ namespace: order.namespace, roles: [...order.roles] })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(order.subject)
    .setIssuedAt(issuedAtSeconds)
    .setExpirationTime(issuedAtSeconds + order.expiresInSeconds);
  if (order.issuer !== undefined) token.setIssuer(order.issuer);
  if (order.audience !== undefined) token.setAudience(order.audience);
  return token.sign(createSecretKey(order.secret, 'utf8'));
}
