import { useEffect, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { Button } from '../parts/button.tsx';
import { Mark } from '../parts/mark.tsx';
import { Loading } from '../parts/notice.tsx';
import { useTitle } from '../parts/page.tsx';
import { inWords } from '../parts/words.ts';
import { useStore } from '../store.ts';
import { farewell, startSession } from './session.ts';
import type { OidcSettings, SignInWays } from './ways.ts';
import { readSignInWays, signInAs } from './ways.ts';

const callbackPath = '/sign-in/callback';

/** Every way in that this gateway offers. */
export function SignInPage() {
  useTitle('Sign in');
  const reason = useStore(farewell);
  const { path, route } = useLocation();
  const [ways, setWays] = useState<SignInWays>();
  const [fault, setFault] = useState<string>();
  const attempt = (work: () => Promise<void>): void => {
    setFault(undefined);
    work().catch((error: unknown) => setFault(error instanceof Error ? error.message : String(error)));
  };
  useEffect(() => {
    attempt(async () => {
      const found = await readSignInWays();
      setWays(found);
      if (path !== callbackPath || found.oidc === null) return;
      const { returnFromProvider } = await import('./oidc.ts');
      route(await returnFromProvider(found.oidc), true);
    });
  }, []);
  return (
    <main class="sign-in">
      <div class="sign-in-card">
        <div class="brand brand-large">
          <Mark />
          <span>Caseload</span>
        </div>
        {reason !== undefined && <p class="sign-in-reason">{reason} Sign in to go on; what you typed is kept.</p>}
        {fault !== undefined && (
          <p class="fault" role="alert">
            {fault}
          </p>
        )}
        {ways === undefined && fault === undefined && <Loading />}
        {ways?.oidc != null && <ProviderButton settings={ways.oidc} path={path} attempt={attempt} />}
        {ways !== undefined && ways.people.length > 0 && <People people={ways.people} attempt={attempt} />}
        <TokenForm attempt={attempt} open={ways !== undefined && ways.people.length === 0 && ways.oidc === null} />
      </div>
    </main>
  );
}

type Attempt = (work: () => Promise<void>) => void;

function ProviderButton(props: { readonly settings: OidcSettings; readonly path: string; readonly attempt: Attempt }) {
  const leave = (): void =>
    props.attempt(async () => {
      const { leaveForProvider } = await import('./oidc.ts');
      await leaveForProvider(props.settings, props.path === callbackPath ? '/' : props.path);
    });
  return (
    <Button look="main" big onClick={leave}>
      Sign in
    </Button>
  );
}

function People(props: { readonly people: SignInWays['people']; readonly attempt: Attempt }) {
  return (
    <section>
      <h1 class="sign-in-title">Who are you today?</h1>
      <p class="muted">People of the example data, for development.</p>
      <ul class="people">
        {props.people.map((person) => (
          <li key={person.name}>
            <button
              type="button"
              class="person"
              onClick={() => props.attempt(async () => startSession(await signInAs(person.name)))}
            >
              <span class={`avatar avatar-${person.role}`} aria-hidden="true">
                {person.name.charAt(0)}
              </span>
              <span class="person-text">
                <strong>{inWords(person.name)}</strong>
                <span>
                  {inWords(person.role)}: {person.does}
                </span>
              </span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function TokenForm({ attempt, open }: { readonly attempt: Attempt; readonly open: boolean }) {
  return (
    <details class="token-details" open={open}>
      <summary>Sign in with a token</summary>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const form = event.currentTarget;
          attempt(async () => startSession(String(new FormData(form).get('token'))));
        }}
      >
        <label class="field">
          <span>Token</span>
          <textarea name="token" rows={4} required autoComplete="off" spellcheck={false} class="mono" />
        </label>
        <Button type="submit" look="main">
          Sign in
        </Button>
      </form>
    </details>
  );
}
