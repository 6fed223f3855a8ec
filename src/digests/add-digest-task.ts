import type { Shard } from '../postgres/shard.ts';
import { loadStatement } from '../postgres/sql.ts';

const statement = loadStatement('add-digest-task');

/** Puts a task of a digest on the engine, see `sql/functions/add_digest_task.sql`. */
export async function addDigestTask(shard: Shard, digestId: string, kind: string, due: Date): Promise<void> {
  await shard.run(statement, [digestId, kind, JSON.stringify({ digestId }), due.toISOString(), 20]);
}
