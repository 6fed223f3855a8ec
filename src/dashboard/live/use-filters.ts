import { useLocation } from 'preact-iso';

/** The filters of a page, which stand in its address: they can be kept, sent, and gone back to. */
export interface Filters {
  readonly values: Readonly<Record<string, string | undefined>>;
  /** An empty value takes a filter away. */
  set(changes: Readonly<Record<string, string>>): void;
  clear(): void;
}

export function useFilters(): Filters {
  const { path, query, route } = useLocation();
  return {
    values: query,
    set(changes) {
      const next = new URLSearchParams({ ...query, ...changes });
      for (const [name, value] of [...next]) if (value.trim() === '') next.delete(name);
      const text = next.toString();
      route(text === '' ? path : `${path}?${text}`, true);
    },
    clear: () => route(path, true),
  };
}
