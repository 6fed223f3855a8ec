import type { JobRecord, TaskRecord } from '../domain/task.ts';
import type { EventFeed } from '../events/event-feed.ts';
import type { EventRow } from '../events/event-rows.ts';
import { toFeedEvent } from '../events/event-rows.ts';
import { ItemUpdates } from '../events/item-updates.ts';
import type { Logger } from '../log.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement } from '../postgres/sql.ts';
import type { TaskStore } from './store.ts';

const readJobEventsUntil = loadStatement('read-job-events-until');

export interface JobWatchFilter {
  readonly namespace: string;
  readonly jobId: string | null;
}

/** A task with its job. */
export interface TaskOfJob {
  readonly task: TaskRecord;
  readonly job: JobRecord;
}

/** What happens to tasks, handed on to this process's watchers with task and job as they are now. */
export class JobUpdates extends ItemUpdates<TaskOfJob, JobWatchFilter> {
  constructor(feed: EventFeed, shard: Shard, store: TaskStore, log: Logger) {
    super({
      feed,
      log,
      system: 'tasks',
      find: async (taskId) => {
        const task = await store.findTask(taskId);
        const job = task === undefined ? undefined : await store.findJob(task.jobId);
        return task === undefined || job === undefined ? undefined : { task, job };
      },
      readPage: async (filter, after, until, eventsMax) => {
        const rows = await shard.run<EventRow>(readJobEventsUntil, [
          after.position,
          after.sequence,
          until.position,
          until.sequence,
          filter.namespace,
          filter.jobId,
          eventsMax,
        ]);
        return rows.map((row) => toFeedEvent(shard.number, row));
      },
      keyOf: ({ namespace, jobId }) => (jobId === null ? `namespace ${namespace}` : `job ${jobId}`),
      // An event names its task; whose that is stands in the task's row.
      keysOfEvent: () => undefined,
      keysOf: ({ event, subject }) => [`namespace ${event.namespace}`, `job ${subject.job.id}`],
    });
  }
}
