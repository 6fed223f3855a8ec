import type { Logger } from '../log.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement } from '../postgres/sql.ts';
import type { Announcer } from '../queue/announcements.ts';
import { announceReady } from '../queue/announcements.ts';
import type { Topics } from '../queue/topics.ts';
import { endExhaustedTasks } from '../tasks/end-exhausted.ts';
import { Repeating } from './repeating.ts';

const returnExpired = loadStatement('return-expired');
const rowsPerStep = 500;
const idleMilliseconds = 1_000;
/** An item is free again five seconds after its lease at the latest, however slow the sweep is. */
const longestPauseMilliseconds = 4_000;

interface Row {
  readonly item_id: string;
  readonly topic_id: number;
  readonly priority: number;
  readonly deliver_after: string;
  readonly ticket: string | null;
  readonly outcome: 'ready' | 'dead' | 'gone';
}

/** Returns items whose lease has run out, and wakes whoever waits for them. Any number of these may run. */
export function createLeaseSweeper(
  shard: Shard,
  topics: Topics,
  announcer: Announcer,
  log: Logger,
  count: (returned: number) => void,
): Repeating {
  return new Repeating(`lease sweeper of shard ${shard.number}`, log, async () => {
    const startedAt = performance.now();
    const rows = await shard.run<Row>(returnExpired, [null, rowsPerStep]);
    if (rows.length > 0) {
      count(rows.length);
      await topics.byIds(rows.map((row) => row.topic_id));
      const tasks = rows.filter((row) => topics.byId(row.topic_id)?.system === 'tasks').map((row) => row.item_id);
      const failed = await endExhaustedTasks(shard, topics, announcer, tasks);
      const ready = rows
        .filter((row) => row.outcome !== 'gone' && !failed.has(row.item_id))
        .map((row) => ({
          topic: topics.byId(row.topic_id)!,
          key: { priority: row.priority, deliverAfter: row.deliver_after, id: row.item_id },
          // Leases of the priority queue keep no ticket, and a dead letter's was its old topic's.
          calls: row.outcome === 'dead' || topics.byId(row.topic_id)!.system === 'queue',
        }));
      announceReady(announcer, ready);
      // Its timer would bring the ticket back by itself; this wakes the next claimer a little sooner.
      for (const row of rows)
        if (row.ticket !== null)
          announcer[row.outcome === 'ready' && !failed.has(row.item_id) ? 'giveBack' : 'acknowledge'](row.ticket);
      const calling = ready.filter((item) => item.calls);
      if (calling.length > 0)
        announcer.issueTickets(calling.map(({ topic, key }) => ({ topic, itemId: key.id, priority: key.priority })));
      announcer.eventsWritten();
    }
    if (rows.length === rowsPerStep) return 0;
    // When dead rows of old leases pile up under a held snapshot, the sweep takes at most a fiftieth of the time.
    const rest = Math.min(longestPauseMilliseconds, (performance.now() - startedAt) * 50);
    return Math.max(idleMilliseconds, rest);
  });
}
