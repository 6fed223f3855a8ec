import { limits } from '../domain/limits.ts';
import type { Logger } from '../log.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement } from '../postgres/sql.ts';
import type { Announcer } from '../queue/announcements.ts';
import { Repeating } from '../scheduler/repeating.ts';

const expireItems = loadStatement('expire-items');
const pruneAnswers = loadStatement('prune-enqueue-answers');
const pruneEvents = loadStatement('prune-queue-events');
const rowsPerStep = 500;
const eventsPerStep = 2_000;
const expiryMilliseconds = 1_000;
const pruneMilliseconds = 60_000;
const passMilliseconds = 86_400_000;

const firstPlace = { position: 0, sequence: 0 };

interface PruneRow {
  readonly looked_at: number;
  readonly removed: number;
  readonly position: number | null;
  readonly sequence: number | null;
}

/**
 * What a scheduler does for the priority queue of one shard. Any number may run.
 * @param historyDays how long the history of an item is kept once it has left the queue
 * @param passEvery after how many milliseconds all old events are looked at again, for items that have left since
 */
export function createQueueHousekeeping(
  shard: Shard,
  announcer: Announcer,
  historyDays: number,
  log: Logger,
  passEvery = passMilliseconds,
): readonly Repeating[] {
  // What lies before has been looked at: it is other systems', or of items that are still open.
  let place = firstPlace;
  let passBegan = 0;
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
    new Repeating(`pruner of queue history of shard ${shard.number}`, log, async () => {
      if (place === firstPlace) passBegan = performance.now();
      const values = [place.position, place.sequence, eventsPerStep, historyDays];
      const row = (await shard.run<PruneRow>(pruneEvents, values))[0]!;
      if (row.position !== null && row.sequence !== null) place = { position: row.position, sequence: row.sequence };
      if (row.looked_at === eventsPerStep) return 50;
      if (performance.now() - passBegan >= passEvery) place = firstPlace;
      return Math.min(pruneMilliseconds, passEvery);
    }),
  ];
}
