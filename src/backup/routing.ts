import type { RouteChange, RoutingStore } from '../shards/routing.ts';

/** The changes of the routing table that are kept, oldest first. @throws when they cannot be read */
export async function saveRouting(store: Pick<RoutingStore, 'changes'>): Promise<readonly RouteChange[]> {
  return (await store.changes()).toReversed();
}

/**
 * Makes saved changes again, each with who made it, when and why. What the table says of a key already is newer, and
 * stays as it is.
 * @returns how many keys were set
 * @throws when a change could not be stored; it may be run again for the keys that are left
 */
export async function restoreRouting(
  store: Pick<RoutingStore, 'changes' | 'set'>,
  changes: readonly RouteChange[],
): Promise<number> {
  const known = new Set((await store.changes()).map(({ key }) => key));
  const missing = changes.filter(({ key }) => !known.has(key));
  for (const change of missing) await store.set(change);
  return new Set(missing.map(({ key }) => key)).size;
}
