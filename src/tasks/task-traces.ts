import type { Shard } from '../postgres/shard.ts';
import { loadStatement } from '../postgres/sql.ts';
import { isTracing } from '../telemetry/tracing.ts';

const readTaskTraces = loadStatement('read-task-traces');

/**
 * The trace contexts in which tasks were created, by task, for tickets that are issued later than by their creator.
 * Where nothing is traced, nothing is read. Never throws: a ticket without a context is a ticket all the same.
 */
export async function readTraces(shard: Shard, taskIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (!isTracing() || taskIds.length === 0) return new Map();
  try {
    const rows = await shard.run<{ id: string; traceparent: string }>(readTaskTraces, [taskIds]);
    return new Map(rows.map(({ id, traceparent }) => [id, traceparent]));
  } catch {
    // The tasks are ready, which is committed: their tickets must not wait until the database answers again.
    return new Map();
  }
}
