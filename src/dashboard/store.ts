import { useEffect, useState } from 'preact/hooks';

/** A value outside of any component, that components can follow. */
export interface Store<Value> {
  get(): Value;
  set(value: Value): void;
  /** @returns stops it */
  listen(listener: () => void): () => void;
}

export function createStore<Value>(initial: Value): Store<Value> {
  let current = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => current,
    set(value) {
      if (Object.is(value, current)) return;
      current = value;
      for (const listener of listeners) listener();
    },
    listen(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
  };
}

export function useStore<Value>(store: Store<Value>): Value {
  const [, redraw] = useState<unknown>();
  const value = store.get();
  useEffect(() => {
    const follow = (): void => redraw({});
    // It may have changed between drawing and this moment.
    if (!Object.is(store.get(), value)) follow();
    return store.listen(follow);
  }, [store]);
  return value;
}
