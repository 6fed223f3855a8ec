import { limits } from '../domain/limits.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement, toDate } from '../postgres/sql.ts';
import type { Announcer } from '../queue/announcements.ts';
import { createBatcher } from '../queue/batcher.ts';

const extendLeases = loadStatement('extend-leases');

export interface Heartbeat {
  readonly taskId: string;
  readonly token: string;
  readonly worker: string;
  readonly namespace: string;
  /** From now. */
  readonly leaseSeconds: number;
}

interface Row {
  readonly n: number;
  readonly outcome: 'extended' | 'limit' | 'refused';
  readonly ticket: string | null;
  readonly expires_at: string;
  readonly server_time: string;
}

/** A lease as it stands after a heartbeat. */
export interface ExtendedLease {
  readonly expiresAt: Date;
  readonly serverTime: Date;
}

/**
 * Extends the leases of tasks that are being worked on, and their tickets' timers with them.
 * @returns a function that answers undefined when the lease is lost, or has lasted as long as leases may. It throws Fault
 * `BACKPRESSURE` or `UNAVAILABLE`
 */
export function createHeartbeat(
  shard: Shard,
  announcer: Announcer,
): (beat: Heartbeat) => Promise<ExtendedLease | undefined> {
  return createBatcher<Heartbeat, ExtendedLease | undefined>({
    apart: (beat) => beat.taskId,
    run: async (beats) => {
      const rows = await shard.run<Row>(extendLeases, [
        beats.map((beat) => beat.taskId),
        beats.map((beat) => beat.token),
        beats.map((beat) => beat.worker),
        beats.map((beat) => beat.namespace),
        beats.map((beat) => beat.leaseSeconds),
        limits.leaseTotalSeconds,
      ]);
      const answers = new Array<ExtendedLease | undefined>(beats.length).fill(undefined);
      for (const row of rows) {
        if (row.outcome !== 'extended') continue;
        answers[row.n - 1] = { expiresAt: toDate(row.expires_at), serverTime: toDate(row.server_time) };
        if (row.ticket !== null) announcer.giveBackAfter(row.ticket, beats[row.n - 1]!.leaseSeconds * 1_000);
      }
      if (answers.some((answer) => answer !== undefined)) announcer.eventsWritten();
      return answers;
    },
  });
}
