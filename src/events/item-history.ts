import { decodeCursor, encodeCursor } from '../domain/event.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement, toDate } from '../postgres/sql.ts';

const readItemEvents = loadStatement('read-item-events');

/** An entry of an item's audit trail. */
export interface ItemEvent {
  readonly cursor: string;
  readonly type: string;
  readonly actor: string;
  readonly at: Date;
  readonly attempt: number | null;
  readonly leaseExpiresAt: Date | null;
  readonly reason: string | null;
}

export interface ItemHistoryPage {
  readonly events: readonly ItemEvent[];
  readonly hasNextPage: boolean;
}

interface Row {
  readonly position: number;
  readonly sequence: number;
  readonly type: string;
  readonly actor: string;
  readonly at: string;
  readonly attempt: number | null;
  readonly lease_expires_at: string | null;
  readonly reason: string | null;
}

/**
 * Reads what happened to an item, oldest first. Who may see it is the caller's business.
 * @returns a function that throws Fault `BAD_USER_INPUT` for a strange cursor, or `UNAVAILABLE`
 */
export function createItemHistory(
  shard: Shard,
): (itemId: string, first: number, after: string | null) => Promise<ItemHistoryPage> {
  return async (itemId, first, after) => {
    const place = (after === null ? undefined : decodeCursor('after', after).get(shard.number)) ?? {
      position: 0,
      sequence: 0,
    };
    const rows = await shard.run<Row>(readItemEvents, [itemId, place.position, place.sequence, first + 1]);
    return {
      events: rows.slice(0, first).map((row) => ({
        cursor: encodeCursor(new Map([[shard.number, row]])),
        type: row.type,
        actor: row.actor,
        at: toDate(row.at),
        attempt: row.attempt,
        leaseExpiresAt: row.lease_expires_at === null ? null : toDate(row.lease_expires_at),
        reason: row.reason,
      })),
      hasNextPage: rows.length > first,
    };
  };
}
