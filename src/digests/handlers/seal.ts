import { crashPoint } from '../../crash-point.ts';
import type { Shard } from '../../postgres/shard.ts';
import { loadStatement, toDate } from '../../postgres/sql.ts';
import type { AnyTaskHandler } from '../../tasks/task-handler.ts';
import { defineTask, FatalTaskError } from '../../tasks/task-handler.ts';
import { addDigestTask } from '../add-digest-task.ts';
import { parseDigestId } from './payload.ts';

const sealDigest = loadStatement('seal-digest');

export interface SealParts {
  /** The parts of the shard on which a task lies. */
  readonly at: (taskId: string) => { readonly shard: Shard; readonly eventsWritten: () => void };
}

interface Row {
  readonly outcome: 'sealed' | 'done' | 'early' | 'held' | 'empty';
  readonly not_before: string | null;
}

/**
 * `digest-seal` with payload `{ digestId }`: the end of a window. It cuts what the digest holds and puts its mails on the
 * engine, in one transaction. Run twice, or by two workers, it does so once.
 */
export function createSealHandler({ at }: SealParts): AnyTaskHandler {
  return defineTask<{ readonly digestId: string }>({
    kind: 'digest-seal',
    internal: true,
    concurrency: 8,
    timeLimitMilliseconds: 60_000,
    leaseSeconds: 5,
    maxAttempts: 20,
    // Soon again at first: a window that is late keeps people waiting.
    backoff: { firstMilliseconds: 500, factor: 2, capMilliseconds: 300_000 },
    parsePayload: (field, payload) => ({ digestId: parseDigestId(field, payload) }),
    async run({ digestId }, { namespace, attempt, taskId }) {
      const { shard, eventsWritten } = at(taskId);
      // One that holds very much takes longer than a statement may: then with more patience.
      const values = [digestId, namespace];
      const rows = await (attempt === 1
        ? shard.run<Row>(sealDigest, values)
        : shard.runPatiently<Row>(sealDigest, values));
      const row = rows[0];
      if (row === undefined) throw new FatalTaskError('There is no such digest');
      crashPoint('seal_after_commit');
      eventsWritten();
      // Before its time, or paused until a known one: it is looked at again then.
      if (row.not_before !== null) await addDigestTask(shard, digestId, 'digest-seal', toDate(row.not_before));
      return { outcome: row.outcome };
    },
  });
}
