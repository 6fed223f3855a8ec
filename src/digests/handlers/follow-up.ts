import type { RecipientRecord } from '../../domain/digest.ts';
import { limits } from '../../domain/limits.ts';
import type { Shard } from '../../postgres/shard.ts';
import { loadStatement, toDate } from '../../postgres/sql.ts';
import type { AnyTaskHandler } from '../../tasks/task-handler.ts';
import { defineTask } from '../../tasks/task-handler.ts';
import type { DigestStore } from '../digest-store.ts';
import { windowsOf } from '../windows-of.ts';
import { parseDigestId } from './payload.ts';

const readDueFollowUps = loadStatement('read-due-follow-ups');
const followUpRequests = loadStatement('follow-up-requests');

export interface FollowUpParts {
  /** The parts of the shard on which a task lies. */
  readonly at: (taskId: string) => {
    readonly shard: Shard;
    readonly store: DigestStore;
    readonly eventsWritten: () => void;
  };
}

interface Row {
  readonly id: string;
  readonly customer_id: string | null;
  readonly provider_id: string | null;
  readonly at: string;
}

/**
 * `digest-follow-up` with payload `{ digestId }`: looks after those requests of a digest whose time for an answer is over.
 * Customers are told, providers reminded, and what is never answered is closed: all by the digests of both.
 */
export function createFollowUpHandler({ at }: FollowUpParts): AnyTaskHandler {
  return defineTask<{ readonly digestId: string }>({
    kind: 'digest-follow-up',
    internal: true,
    concurrency: 2,
    timeLimitMilliseconds: 300_000,
    leaseSeconds: 15,
    maxAttempts: 20,
    backoff: { firstMilliseconds: 1_000, factor: 2, capMilliseconds: 600_000 },
    parsePayload: (field, payload) => ({ digestId: parseDigestId(field, payload) }),
    async run({ digestId }, { namespace, taskId, signal }) {
      const { shard, store, eventsWritten } = at(taskId);
      let followedUp = 0;
      for (;;) {
        signal.throwIfAborted();
        const due = await shard.run<Row>(readDueFollowUps, [digestId, namespace, limits.followUpsPerStep]);
        const recipients = await recipientsOf(store, due);
        const windows = windowsOf(recipients, due[0] === undefined ? 0 : toDate(due[0].at).getTime());
        const rows = await shard.run<{ done: number }>(followUpRequests, [
          digestId,
          taskId,
          due.map((row) => row.id),
          windows.ids,
          windows.versions,
          windows.starts,
          windows.ends,
        ]);
        eventsWritten();
        const done = rows[0]!.done;
        followedUp += done;
        if (due.length === 0) return { followedUp };
        if (done === 0) throw new Error('The windows of the recipients have just changed');
      }
    },
  });
}

async function recipientsOf(store: DigestStore, due: readonly Row[]): Promise<RecipientRecord[]> {
  const ids = new Set(due.flatMap((row) => [row.customer_id, row.provider_id]).filter((id) => id !== null));
  return Promise.all([...ids].map((id) => store.getRecipient(id)));
}
