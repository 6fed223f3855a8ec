import { idFloor } from '../domain/ids.ts';
import type { Logger } from '../log.ts';
import type { Shard } from '../postgres/shard.ts';
import { loadStatement } from '../postgres/sql.ts';

const pruneJobs = loadStatement('prune-jobs');
const jobsPerStep = 200;

/** Removes jobs all of whose tasks ended so many days ago, with all that belongs to them. @returns how many */
export async function pruneFinishedJobs(shard: Shard, keptDays: number, now: number, log: Logger): Promise<number> {
  const youngest = idFloor(now - keptDays * 86_400_000);
  const rows = await shard.runPatiently(pruneJobs, [youngest, keptDays, jobsPerStep]);
  if (rows.length > 0) log.info({ jobs: rows.length }, 'jobs that were kept long enough removed');
  return rows.length;
}
