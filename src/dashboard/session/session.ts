import { forgetFormDrafts } from '../apply/form-draft.ts';
import { createStore } from '../store.ts';

/** Who is signed in, as the token says. The gateway checks it at every request; here it only decides what is shown. */
export interface Session {
  readonly token: string;
  readonly subject: string;
  /** The tenant that is worked in; one of all for operators of the whole installation. */
  readonly namespace: string;
  readonly everywhere: boolean;
  readonly roles: readonly string[];
  readonly expiresAtMilliseconds: number | undefined;
}

// The tab's own storage: it survives a reload, no other tab sees it, and it ends with the tab.
const storageKey = 'caseload.session';

export const session = createStore<Session | undefined>(restore());
/** Why there is no session any more, for the sign-in page. */
export const farewell = createStore<string | undefined>(undefined);

/**
 * Starts a session with a token.
 * @throws Error in plain words when this is no token of ours
 */
export function startSession(token: string, namespace?: string): void {
  const started = readToken(token.trim(), namespace);
  sessionStorage.setItem(storageKey, JSON.stringify({ token: started.token, namespace: started.namespace }));
  farewell.set(undefined);
  session.set(started);
}

/** @param reason said on the sign-in page */
export function endSession(reason?: string): void {
  // Whoever signs out is done here; a session that ended by itself goes on when they are back.
  if (reason === undefined) forgetFormDrafts();
  sessionStorage.removeItem(storageKey);
  // What an identity provider's library keeps of the person, its own tokens among it.
  for (const key of Object.keys(sessionStorage)) if (key.startsWith('oidc.')) sessionStorage.removeItem(key);
  farewell.set(reason);
  session.set(undefined);
}

/** An operator of the whole installation goes on in another namespace. */
export function changeNamespace(namespace: string): void {
  const current = session.get();
  if (current?.everywhere === true) startSession(current.token, namespace);
}

export function hasRole(current: Session, ...wanted: readonly string[]): boolean {
  return wanted.some((role) => current.roles.includes(role));
}

function restore(): Session | undefined {
  const kept = sessionStorage.getItem(storageKey);
  if (kept === null) return undefined;
  try {
    const { token, namespace } = JSON.parse(kept) as { token: string; namespace: string };
    const found = readToken(token, namespace);
    const ended = found.expiresAtMilliseconds !== undefined && found.expiresAtMilliseconds <= Date.now();
    return ended ? undefined : found;
  } catch {
    // Written by an older version; signing in again replaces it.
    return undefined;
  }
}

function readToken(token: string, namespace: string | undefined): Session {
  const claims = readClaims(token);
  const { sub, namespace: own, roles, exp } = claims;
  if (typeof sub !== 'string' || typeof own !== 'string' || !Array.isArray(roles)) {
    throw new Error('This token lacks one of the claims sub, namespace and roles.');
  }
  return {
    token,
    subject: sub,
    namespace: own === '*' ? (namespace ?? 'acme') : own,
    everywhere: own === '*',
    roles: roles.filter((role) => typeof role === 'string'),
    expiresAtMilliseconds: typeof exp === 'number' ? exp * 1_000 : undefined,
  };
}

function readClaims(token: string): Record<string, unknown> {
  const payload = token.split('.')[1];
  try {
    const bytes = Uint8Array.from(atob((payload ?? '').replaceAll('-', '+').replaceAll('_', '/')), (character) =>
      character.charCodeAt(0),
    );
    return JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
  } catch {
    throw new Error('This is not a token: three parts, separated by dots, are expected.');
  }
}
