import type { Findings } from '../findings.ts';
import type { History, Seen } from '../history.ts';
import type { Ledger } from '../ledger.ts';

/** Every watcher of live updates must have got every event of the namespace exactly once, whatever was restarted. */
export function checkUpdates(history: History, ledger: Ledger, findings: Findings): void {
  const seenBy = Map.groupBy(history.seen, (seen) => seen.watcher);
  for (const watcher of history.watchers) {
    const updates = seenBy.get(watcher) ?? [];
    const places = new Set<string>();
    for (const update of updates) {
      const place = placeOf(update);
      if (places.has(place))
        findings.add('update doubled', update.caseId, `${watcher} got ${update.type} at ${place} again`);
      places.add(place);
    }
    for (const event of ledger.events) {
      if (!places.has(placeOf(event)))
        findings.add('update missed', event.caseId, `${watcher} never got ${event.type} at ${placeOf(event)}`);
    }
  }
}

/** A place is one of its shard; the case's id says which. */
function placeOf({ position, sequence, caseId }: Pick<Seen, 'position' | 'sequence' | 'caseId'>): string {
  return `${position}.${sequence} of ${caseId}`;
}
