import type { Shard } from '../postgres/shard.ts';
import { loadStatement, toDate } from '../postgres/sql.ts';

const readItemLease = loadStatement('read-item-lease');

/** What became of a lease whose token is dead. */
export interface LostLease {
  /** Who holds the item now, if anybody does. */
  readonly holder: string | null;
  /** Since when; or when the old lease ended, while nobody has taken the item. */
  readonly since: Date | null;
  /** Nobody has taken it yet: it can be claimed again by name. */
  readonly reclaimable: boolean;
}

export async function explainLostLease(shard: Shard, namespace: string, itemId: string): Promise<LostLease> {
  const rows = await shard.run<{
    lease_holder: string | null;
    lease_acquired_at: string | null;
    lease_expires_at: string | null;
    alive: boolean | null;
  }>(readItemLease, [itemId, namespace]);
  const row = rows[0];
  if (row === undefined) return { holder: null, since: null, reclaimable: false };
  if (row.alive === true && row.lease_acquired_at !== null) {
    return { holder: row.lease_holder, since: toDate(row.lease_acquired_at), reclaimable: false };
  }
  return {
    holder: null,
    since: row.lease_expires_at === null ? null : toDate(row.lease_expires_at),
    reclaimable: true,
  };
}
