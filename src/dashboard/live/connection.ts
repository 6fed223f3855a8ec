import { createStore } from '../store.ts';

/** How the line for live updates stands. */
export type ConnectionState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'live' }
  | { readonly kind: 'lost'; readonly sinceMilliseconds: number; readonly attempts: number }
  | { readonly kind: 'back'; readonly updates: number };

export const connection = createStore<ConnectionState>({ kind: 'idle' });
/** How long "we are back" stays, and updates count as caught up. */
const backMilliseconds = 4_000;
let timer: ReturnType<typeof setTimeout> | undefined;

export function noteConnected(): void {
  clearTimeout(timer);
  if (connection.get().kind === 'lost') {
    connection.set({ kind: 'back', updates: 0 });
    timer = setTimeout(() => connection.set({ kind: 'live' }), backMilliseconds);
  } else connection.set({ kind: 'live' });
}

export function noteLost(): void {
  clearTimeout(timer);
  const now = connection.get();
  const before = now.kind === 'lost' ? now : { sinceMilliseconds: Date.now(), attempts: 0 };
  connection.set({ kind: 'lost', sinceMilliseconds: before.sinceMilliseconds, attempts: before.attempts + 1 });
}

export function noteUpdate(): void {
  const now = connection.get();
  if (now.kind === 'back') connection.set({ kind: 'back', updates: now.updates + 1 });
}

export function noteIdle(): void {
  clearTimeout(timer);
  connection.set({ kind: 'idle' });
}
