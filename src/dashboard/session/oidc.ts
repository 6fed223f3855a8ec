import { UserManager, WebStorageStateStore } from 'oidc-client-ts';
import { endSession, session, startSession } from './session.ts';
import type { OidcSettings } from './ways.ts';

/** Where the identity provider sends people back to. */
export const callbackPath = '/sign-in/callback';

let manager: UserManager | undefined;

/** Authorisation code with PKCE; a refresh token renews the access token, so nothing is ever framed. */
function openManager(settings: OidcSettings): UserManager {
  if (manager !== undefined) return manager;
  const store = new WebStorageStateStore({ store: sessionStorage });
  manager = new UserManager({
    authority: settings.authority,
    client_id: settings.clientId,
    redirect_uri: `${location.origin}${callbackPath}`,
    post_logout_redirect_uri: location.origin,
    response_type: 'code',
    scope: settings.scope,
    userStore: store,
    stateStore: store,
    automaticSilentRenew: true,
    ...(settings.audience === undefined ? {} : { extraQueryParams: { audience: settings.audience } }),
  });
  manager.events.addUserLoaded((user) => startSession(user.access_token, session.get()?.namespace));
  manager.events.addAccessTokenExpired(() => endSession('Your session has ended.'));
  return manager;
}

/** Leaves for the identity provider. @param returnTo the page to come back to */
export async function leaveForProvider(settings: OidcSettings, returnTo: string): Promise<void> {
  await openManager(settings).signinRedirect({ state: returnTo });
}

/** Ends the way through the identity provider. @returns the page to go on with */
export async function returnFromProvider(settings: OidcSettings): Promise<string> {
  const user = await openManager(settings).signinRedirectCallback();
  startSession(user.access_token);
  const returnTo = typeof user.state === 'string' ? user.state : '/';
  return returnTo.startsWith('/') && !returnTo.startsWith('//') ? returnTo : '/';
}

/** Goes on renewing the token of a session that a reload has kept; a session of another kind is left alone. */
export async function keepRenewing(settings: OidcSettings): Promise<void> {
  await openManager(settings).getUser();
}
