import type { Actor } from '../domain/actor.ts';
import { requireRole } from '../domain/actor.ts';
import { parseId } from '../domain/ids.ts';
import type { Lease } from '../domain/lease.ts';
import { parseLeaseToken } from '../domain/lease-token.ts';
import { limits } from '../domain/limits.ts';
import { parseWhole } from '../domain/names.ts';
import { loadStatement, toDate } from '../postgres/sql.ts';
import { createBatcher } from '../queue/batcher.ts';
import type { QueueEngine } from './engine.ts';
import { queueConsumers } from './roles.ts';

const extendItems = loadStatement('extend-items');
/** As for a claim: the ticket comes back a little after the lease has ended in the row. */
const ticketSlackMilliseconds = 50;

export interface ExtendItemLeaseInput {
  /** The token's own without it. */
  readonly namespace?: string | null;
  readonly itemId: string;
  readonly leaseToken: string;
  readonly seconds: number;
}

export type ExtendItemLeaseResult =
  | { readonly kind: 'extended'; readonly lease: Lease }
  | { readonly kind: 'limit'; readonly latestEnd: Date }
  | { readonly kind: 'lost' };

interface Entry {
  readonly id: string;
  readonly token: string;
  readonly namespace: string;
  readonly seconds: number;
}

interface Row {
  readonly n: number;
  readonly outcome: 'extended' | 'limit' | 'refused';
  readonly holder: string;
  readonly acquired_at: string;
  readonly expires_at: string;
  readonly server_time: string;
  readonly ticket: string | null;
  readonly latest_end: string;
}

/**
 * Moves the end of a living lease; counted from now, it may lie before the old one. In all a lease lasts 12 hours at most.
 * @returns a function that throws Fault `FORBIDDEN`, `BAD_USER_INPUT`, `BACKPRESSURE` or `UNAVAILABLE`
 */
export function createExtendItemLease({
  shard,
  announcer,
}: QueueEngine): (actor: Actor | undefined, input: ExtendItemLeaseInput) => Promise<ExtendItemLeaseResult> {
  const commit = createBatcher<Entry, Row>({
    run: async (entries) => {
      const rows = await shard.run<Row>(extendItems, [
        entries.map((entry) => entry.id),
        entries.map((entry) => entry.token),
        entries.map((entry) => entry.namespace),
        entries.map((entry) => entry.seconds),
        limits.leaseTotalSeconds,
      ]);
      const answers = new Array<Row>(entries.length);
      for (const row of rows) {
        answers[row.n - 1] = row;
        if (row.outcome !== 'extended' || row.ticket === null) continue;
        const left = toDate(row.expires_at).getTime() - toDate(row.server_time).getTime();
        announcer.giveBackAfter(row.ticket, left + ticketSlackMilliseconds);
      }
      return answers;
    },
    apart: (entry) => entry.id,
  });
  return async (actor, input) => {
    const namespace = input.namespace ?? actor?.namespace ?? '';
    requireRole(actor, namespace, queueConsumers);
    const id = parseId('input.itemId', input.itemId);
    const token = parseLeaseToken('input.leaseToken', input.leaseToken);
    const seconds = parseWhole('input.seconds', input.seconds, limits.leaseSecondsMin, limits.leaseSecondsMax);
    const row = await commit({ id, token, namespace, seconds });
    if (row.outcome === 'refused') return { kind: 'lost' };
    if (row.outcome === 'limit') return { kind: 'limit', latestEnd: toDate(row.latest_end) };
    return {
      kind: 'extended',
      lease: {
        itemId: id,
        token,
        holder: row.holder,
        acquiredAt: toDate(row.acquired_at),
        expiresAt: toDate(row.expires_at),
        serverTime: toDate(row.server_time),
      },
    };
  };
}
