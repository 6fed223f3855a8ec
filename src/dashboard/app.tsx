import { Provider } from '@urql/preact';
import { useEffect, useMemo } from 'preact/hooks';
import { ErrorBoundary, LocationProvider } from 'preact-iso';
import { openApi } from './graphql/client.ts';
import { Pages } from './pages.tsx';
import { Announcer } from './parts/announcer.tsx';
import { session } from './session/session.ts';
import { SignInPage } from './session/sign-in-page.tsx';
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
