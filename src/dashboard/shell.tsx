import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { KeyHelp } from './keys/key-help.tsx';
import { useKeys } from './keys/use-keys.ts';
import { ConnectionBanner, ConnectionDot } from './live/connection-banner.tsx';
import { Mark } from './parts/mark.tsx';
import type { Place } from './places.ts';
import { placesFor } from './places.ts';
import { NamespaceField } from './session/namespace-field.tsx';
import { endSession, session } from './session/session.ts';
import { useStore } from './store.ts';

/** What is around every page: where one can go, who one is, how the connection stands. */
export function Shell({ children }: { readonly children: ComponentChildren }) {
  const current = useStore(session);
  const [helping, setHelping] = useState(false);
  useKeys({ '?': () => setHelping(true) });
  const main = useRef<HTMLElement>(null);
  useFreshPage(main);
  if (current === undefined) return null;
  const places = placesFor(current);
  return (
    <div class="shell">
      <a class="skip" href="#main">
        Skip to the page
      </a>
      <nav class="side" aria-label="Pages">
        <a class="brand" href="/">
          <Mark />
          <span>Caseload</span>
        </a>
        <div class="side-places">
          <PlaceGroup name="Work" places={places.filter(({ group }) => group === 'Work')} />
          <PlaceGroup name="Operate" places={places.filter(({ group }) => group === 'Operate')} />
        </div>
        <div class="side-foot">
          <ConnectionDot />
          <NamespaceField current={current} />
          <div class="who">
            <span class="who-name">{current.subject}</span>
            <span class="who-roles">{current.roles.join(', ')}</span>
          </div>
          <div class="side-buttons">
            <button type="button" class="link" onClick={() => setHelping(true)}>
              Keys <kbd>?</kbd>
            </button>
            <button type="button" class="link" onClick={() => endSession()}>
              Sign out
            </button>
          </div>
        </div>
      </nav>
      <main id="main" class="main" tabIndex={-1} ref={main}>
        <ConnectionBanner />
        {children}
      </main>
      {helping && <KeyHelp onClose={() => setHelping(false)} />}
    </div>
  );
}

/** Another page begins at its top, and there the reader goes on: by eye, by keys, or by ear. */
function useFreshPage(main: { readonly current: HTMLElement | null }): void {
  const { path } = useLocation();
  // A mail opens beside its list, which stays where it is.
  const page = path.startsWith('/mails') ? '/mails' : path;
  const before = useRef(page);
  useEffect(() => {
    if (before.current === page) return;
    before.current = page;
    main.current?.scrollTo(0, 0);
    // A page that has put the focus where it belongs keeps it.
    if (main.current?.contains(document.activeElement) === false) main.current.focus({ preventScroll: true });
  }, [page]);
}

function PlaceGroup({ name, places }: { readonly name: string; readonly places: readonly Place[] }) {
  const { path } = useLocation();
  if (places.length === 0) return null;
  return (
    <div class="side-group">
      <span class="side-title">{name}</span>
      {places.map((place) => (
        <a
          key={place.path}
          href={place.path}
          class="place"
          aria-current={[place.path, place.holds].some((one) => isWithin(path, one)) ? 'page' : undefined}
        >
          {place.name}
        </a>
      ))}
    </div>
  );
}

function isWithin(path: string, place: string | undefined): boolean {
  return place !== undefined && (path === place || path.startsWith(`${place}/`));
}
