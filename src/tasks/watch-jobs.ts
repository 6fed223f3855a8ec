import type { Actor } from '../domain/actor.ts';
import { requireRole } from '../domain/actor.ts';
import { notFound } from '../domain/errors.ts';
import { decodeCursor } from '../domain/event.ts';
import { parseId, shardOf } from '../domain/ids.ts';
import { parseName } from '../domain/names.ts';
import type { JobRecord, TaskRecord } from '../domain/task.ts';
import type { WatchSource } from '../events/watch-items.ts';
import { watchItems } from '../events/watch-items.ts';
import { taskReaders } from './find-task.ts';
import type { JobWatchFilter, TaskOfJob } from './job-updates.ts';
import type { TaskStore } from './store.ts';

export interface WatchJobsArguments {
  readonly namespace: string;
  readonly jobId?: string | null;
  readonly after?: string | null;
}

export interface JobUpdate {
  readonly cursor: string;
  readonly at: string;
  /** An event's type, or RESYNC: the watcher was too slow, and goes on from this cursor by subscribing again. */
  readonly type: string;
  readonly job: JobRecord | null;
  readonly task: TaskRecord | null;
  readonly actor: string | null;
}

export interface WatchJobsDependencies {
  /** One a shard. */
  readonly sources: readonly WatchSource<TaskOfJob, JobWatchFilter>[];
  readonly store: Pick<TaskStore, 'getJob'>;
  readonly now: () => number;
}

/**
 * Watches a namespace's jobs, or one of them: first what was missed since a cursor, then live, without a gap or a
 * double.
 * @returns a function that throws Fault `FORBIDDEN`, `NOT_FOUND`, `BAD_USER_INPUT` or `UNAVAILABLE`
 */
export function createWatchJobs(
  dependencies: WatchJobsDependencies,
): (actor: Actor | undefined, input: WatchJobsArguments) => Promise<AsyncIterableIterator<JobUpdate>> {
  const { sources, store, now } = dependencies;
  return async (maybeActor, input) => {
    const namespace = parseName('namespace', input.namespace);
    const actor = requireRole(maybeActor, namespace, taskReaders);
    const jobId = input.jobId === null || input.jobId === undefined ? null : parseId('jobId', input.jobId);
    const shards = sources.map(({ shard }) => shard);
    const after = input.after == null ? undefined : decodeCursor('after', input.after, shards);
    if (jobId !== null && (await store.getJob(jobId)).namespace !== namespace) throw notFound('Job');
    return watchItems<TaskOfJob, JobWatchFilter, JobUpdate>({
      sources: jobId === null ? sources : sources.filter(({ shard }) => shard === shardOf(jobId)),
      filter: { namespace, jobId },
      actor,
      after,
      wants: () => true,
      show: ({ event, subject }, cursor) => ({
        cursor,
        at: event.at,
        type: event.type,
        job: subject.job,
        task: subject.task,
        actor: event.actor,
      }),
      resync: (cursor) => ({
        cursor,
        at: new Date(now()).toISOString(),
        type: 'RESYNC',
        job: null,
        task: null,
        actor: null,
      }),
      now,
    });
  };
}
