import { limits } from '../domain/limits.ts';
import type { JobRecord } from '../domain/task.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement } from '../postgres/sql.ts';
import { createBatcher } from '../queue/batcher.ts';
import type { TaskStore } from './store.ts';

const readJobsAbout = loadStatement('read-jobs-about');

export interface JobSubject {
  readonly namespace: string;
  /** The jobs' external id: of a case, its id. */
  readonly externalId: string;
}

/**
 * Reads the newest jobs about something, newest first. Who may see them is the caller's business.
 * @returns a function that throws Fault `BACKPRESSURE` or `UNAVAILABLE`
 */
export function createJobsAbout(
  shard: Shard,
  store: TaskStore,
): (subject: JobSubject) => Promise<readonly JobRecord[]> {
  const findIds = createBatcher<JobSubject, readonly string[]>({
    run: async (subjects) => {
      const rows = await shard.run<{ n: number; id: string }>(readJobsAbout, [
        subjects.map((subject) => subject.namespace),
        subjects.map((subject) => subject.externalId),
        limits.jobsAboutShown,
      ]);
      const ids = Map.groupBy(rows, (row) => row.n);
      return subjects.map((_, index) => (ids.get(index + 1) ?? []).map((row) => row.id));
    },
  });
  return async (subject) => {
    const jobs = await Promise.all((await findIds(subject)).map((id) => store.findJob(id)));
    return jobs.filter((job) => job !== undefined);
  };
}
