import type { Shard } from '../postgres/shard.ts';
import { loadStatement } from '../postgres/sql.ts';
import type { Announcer } from '../queue/announcements.ts';
import type { Topics } from '../queue/topics.ts';
import type { OpenedRow } from './open-tasks.ts';
import { openTasks } from './open-tasks.ts';

const endExhausted = loadStatement('end-exhausted-tasks');

/**
 * Fails those of the tasks whose last worker was lost and whose attempts are used up. When this is not done, because the
 * process died, whoever claims the task next does it.
 * @returns the ids of those that failed
 */
export async function endExhaustedTasks(
  shard: Shard,
  topics: Topics,
  announcer: Announcer,
  taskIds: readonly string[],
): Promise<ReadonlySet<string>> {
  if (taskIds.length === 0) return new Set();
  const rows = await shard.run<OpenedRow>(endExhausted, [taskIds]);
  await openTasks({ shard, topics, announcer }, rows);
  return new Set(rows.filter((row) => row.outcome === 'failed').map((row) => row.item_id));
}
