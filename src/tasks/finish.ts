import { crashPoint } from '../crash-point.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement } from '../postgres/sql.ts';
import type { Announcer } from '../queue/announcements.ts';
import { announceReady } from '../queue/announcements.ts';
import { createBatcher } from '../queue/batcher.ts';
import type { Topics } from '../queue/topics.ts';
import type { OpenedRow } from './open-tasks.ts';
import { openTasks } from './open-tasks.ts';

const finishTasks = loadStatement('finish-tasks');

/** How an attempt ended, as its worker says. */
export type Verdict =
  | { readonly kind: 'SUCCEEDED'; readonly result: string | null }
  /** For good. */
  | { readonly kind: 'FAILED'; readonly error: string }
  | { readonly kind: 'RETRY'; readonly error: string; readonly delayMilliseconds: number }
  /** Earlier workers were lost as often as it may be tried; this attempt never began. */
  | { readonly kind: 'EXHAUSTED'; readonly error: string }
  /** Given back unfinished; the attempt does not count. */
  | { readonly kind: 'RETURNED'; readonly error: string };

export interface AttemptEnd {
  readonly taskId: string;
  readonly token: string;
  readonly worker: string;
  readonly namespace: string;
  readonly verdict: Verdict;
}

interface Row extends OpenedRow {
  /** Null for a task that had waited for one of those that ended. */
  readonly n: number | null;
  readonly ticket: string | null;
}

export interface FinishDependencies {
  readonly shard: Shard;
  readonly topics: Topics;
  readonly announcer: Announcer;
}

/**
 * Ends attempts of tasks, each under its fencing token: committed first, then the ticket is acknowledged.
 * @returns a function that answers false when the token is dead, and nothing was changed. It throws Fault
 * `BACKPRESSURE` or `UNAVAILABLE`
 */
export function createFinish(dependencies: FinishDependencies): (end: AttemptEnd) => Promise<boolean> {
  return createBatcher<AttemptEnd, boolean>({
    run: (ends) => commitEnds(dependencies, ends),
    apart: (end) => end.taskId,
  });
}

async function commitEnds(
  { shard, topics, announcer }: FinishDependencies,
  ends: readonly AttemptEnd[],
): Promise<boolean[]> {
  const rows = await shard.run<Row>(finishTasks, [
    ends.map((end) => end.taskId),
    ends.map((end) => end.token),
    ends.map((end) => end.worker),
    ends.map((end) => end.namespace),
    ends.map((end) => end.verdict.kind),
    ends.map(({ verdict }) => ('error' in verdict ? verdict.error : null)),
    ends.map(({ verdict }) => ('delayMilliseconds' in verdict ? verdict.delayMilliseconds : null)),
    ends.map(({ verdict }) => ('result' in verdict ? verdict.result : null)),
  ]);
  const answers = new Array<boolean>(ends.length).fill(false);
  const returned: Row[] = [];
  for (const row of rows) {
    if (row.outcome !== 'done') continue;
    answers[row.n! - 1] = true;
    crashPoint('finish_after_commit');
    if (ends[row.n! - 1]!.verdict.kind === 'RETURNED') returned.push(row);
    // A task that waits for its next attempt gets a new ticket when its time has come.
    else if (row.ticket !== null) announcer.acknowledge(row.ticket);
  }
  if (returned.length > 0) {
    await topics.byIds(returned.map((row) => row.topic_id));
    announceReady(
      announcer,
      returned.map((row) => ({
        topic: topics.byId(row.topic_id)!,
        key: { priority: row.priority, deliverAfter: row.deliver_after, id: row.item_id },
      })),
    );
    for (const row of returned) if (row.ticket !== null) announcer.giveBack(row.ticket);
  }
  await openTasks({ shard, topics, announcer }, rows);
  if (answers.includes(true)) announcer.eventsWritten();
  return answers;
}
