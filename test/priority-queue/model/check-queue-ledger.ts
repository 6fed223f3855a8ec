/** A row of the events of the priority queue's items, in their order. Times are the database's, in milliseconds. */
export interface QueueEvent {
  readonly item_id: string;
  readonly type: string;
  readonly at_ms: number;
  readonly lease_ends_ms: number | null;
}

const granting: ReadonlySet<string> = new Set(['CLAIMED', 'LEASE_EXTENDED']);
const final: ReadonlySet<string> = new Set(['ACKED', 'EXPIRED', 'PURGED']);

/**
 * Reads an append-only ledger of everything that happened: no item is held under two live leases, no lease is taken away
 * before its end, nothing happens to an item that has left.
 * @returns what was broken, in words
 */
export function checkQueueLedger(events: readonly QueueEvent[]): string[] {
  const violations: string[] = [];
  const leaseEnds = new Map<string, number>();
  const gone = new Set<string>();
  for (const { item_id: id, type, at_ms: at, lease_ends_ms: ends } of events) {
    if (gone.has(id)) violations.push(`${id}: ${type} after it had left the queue`);
    const end = leaseEnds.get(id);
    if (type === 'CLAIMED' && end !== undefined) violations.push(`${id}: CLAIMED under a lease that nobody ended`);
    if (type === 'LEASE_EXPIRED' && (end === undefined || at < end)) {
      violations.push(`${id}: LEASE_EXPIRED at ${at}, the lease went on until ${end}`);
    }
    if ((type === 'ACKED' || type === 'NACKED') && (end === undefined || at >= end)) {
      violations.push(`${id}: ${type} at ${at}, the lease ended at ${end}`);
    }
    if (granting.has(type)) leaseEnds.set(id, ends!);
    else if (type !== 'UPDATED') leaseEnds.delete(id);
    if (final.has(type)) gone.add(id);
  }
  return violations;
}
