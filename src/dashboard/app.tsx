import { Provider } from '@urql/preact';
import { useEffect, useMemo } from 'preact/hooks';
import { ErrorBoundary, LocationProvider } from 'preact-iso';
import { openApi } from './graphql/client.ts';
import { Pages } from './pages.tsx';
import { Announcer } from './parts/announcer.tsx';
import { session } from './session/session.ts';
import { SignInPage } from './session/sign-in-page.tsx';
import { readSignInWays } from './session/ways.ts';
import { Shell } from './shell.tsx';
import { useStore } from './store.ts';

export function App() {
  const current = useStore(session);
  return (
    <LocationProvider>
      {current === undefined ? <SignInPage /> : <SignedIn key={`${current.subject} ${current.namespace}`} />}
      <Announcer />
    </LocationProvider>
  );
}

/** Everything behind the sign-in, over one connection. */
function SignedIn() {
  const api = useMemo(() => openApi(session.get()!), []);
  useEffect(() => () => api.close(), [api]);
  useEffect(() => void renewWhereProvided(), []);
  return (
    <Provider value={api.client}>
      <Shell>
        <ErrorBoundary>
          <Pages />
        </ErrorBoundary>
      </Shell>
    </Provider>
  );
}

/** A reload ends the renewal of a provider's token; here it begins anew. */
async function renewWhereProvided(): Promise<void> {
  try {
    const { oidc } = await readSignInWays();
    if (oidc === null) return;
    const { keepRenewing } = await import('./session/oidc.ts');
    await keepRenewing(oidc);
  } catch {
    // Without it the session lasts as long as its token, and the sign-in page comes then.
  }
}
