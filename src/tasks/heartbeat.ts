import { limits } from '../domain/limits.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement } from '../postgres/sql.ts';
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
}

/**
 * Extends the leases of tasks that are being worked on, and their tickets' timers with them.
 * @returns a function that answers false when the lease is lost, or has lasted as long as leases may. It throws Fault
 * `BACKPRESSURE` or `UNAVAILABLE`
 */
export function createHeartbeat(shard: Shard, announcer: Announcer): (beat: Heartbeat) => Promise<boolean> {
  return createBatcher<Heartbeat, boolean>({
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
      const answers = new Array<boolean>(beats.length).fill(false);
      for (const row of rows) {
        if (row.outcome !== 'extended') continue;
        answers[row.n - 1] = true;
        if (row.ticket !== null) announcer.giveBackAfter(row.ticket, beats[row.n - 1]!.leaseSeconds * 1_000);
      }
      if (answers.includes(true)) announcer.eventsWritten();
      return answers;
    },
  });
}
