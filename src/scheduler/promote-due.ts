import type { Logger } from '../log.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement } from '../postgres/sql.ts';
import type { Announcer, ReadyItem } from '../queue/announcements.ts';
import { announceReady } from '../queue/announcements.ts';
import type { Topics } from '../queue/topics.ts';
import { readTraces } from '../tasks/task-traces.ts';
import { Repeating } from './repeating.ts';

const promoteDueItems = loadStatement('promote-due-items');
const rowsPerStep = 500;
/** Items that other processes delay in the meantime are seen after this long at the latest. */
const longestPauseMilliseconds = 500;

interface Row {
  readonly item_id: string | null;
  readonly topic_id: number;
  readonly priority: number;
  readonly deliver_after: string;
  readonly next_milliseconds: number | null;
}

/** Makes delayed items ready when their time has come, never before, and issues their tickets. Any number may run. */
export function createDueItemPromoter(shard: Shard, topics: Topics, announcer: Announcer, log: Logger): Repeating {
  return new Repeating(`due item promoter of shard ${shard.number}`, log, async () => {
    const rows = await shard.run<Row>(promoteDueItems, [rowsPerStep]);
    const due = rows.filter((row) => row.item_id !== null);
    if (due.length > 0) {
      await topics.byIds(due.map((row) => row.topic_id));
      const ready: ReadyItem[] = due.map((row) => ({
        topic: topics.byId(row.topic_id)!,
        key: { priority: row.priority, deliverAfter: row.deliver_after, id: row.item_id! },
      }));
      announceReady(announcer, ready);
      const tasks = ready.filter(({ topic }) => topic.system === 'tasks').map(({ key }) => key.id);
      const traces = await readTraces(shard, tasks);
      announcer.issueTickets(
        ready.map(({ topic, key }) => ({
          topic,
          itemId: key.id,
          priority: key.priority,
          traceparent: traces.get(key.id) ?? null,
        })),
      );
    }
    if (due.length === rowsPerStep) return 0;
    const next = rows.find((row) => row.item_id === null)?.next_milliseconds ?? longestPauseMilliseconds;
    return Math.min(longestPauseMilliseconds, Math.max(1, Math.ceil(next)));
  });
}
