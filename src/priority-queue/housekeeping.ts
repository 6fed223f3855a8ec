import { limits } from '../domain/limits.ts';
import type { Logger } from '../log.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement } from '../postgres/sql.ts';
import type { Announcer } from '../queue/announcements.ts';
import { Repeating } from '../scheduler/repeating.ts';

const expireItems = loadStatement('expire-items');
const pruneAnswers = loadStatement('prune-enqueue-answers');
const rowsPerStep = 500;
const expiryMilliseconds = 1_000;
const pruneMilliseconds = 60_000;

/** What a scheduler does for the priority queue of one shard. Any number may run. */
export function createQueueHousekeeping(shard: Shard, announcer: Announcer, log: Logger): readonly Repeating[] {
  return [
    // Items are not delivered from the very moment on; this takes them away. Their tickets are found without an item.
    new Repeating(`item expirer of shard ${shard.number}`, log, async () => {
      const rows = await shard.run<{ expired: number }>(expireItems, [rowsPerStep]);
      const { expired } = rows[0]!;
      if (expired > 0) announcer.eventsWritten();
      return expired === rowsPerStep ? 0 : expiryMilliseconds;
    }),
    new Repeating(`pruner of enqueue answers of shard ${shard.number}`, log, async () => {
      const rows = await shard.run(pruneAnswers, [limits.idempotencySeconds, rowsPerStep]);
      return rows.length === rowsPerStep ? 100 : pruneMilliseconds;
    }),
  ];
}
