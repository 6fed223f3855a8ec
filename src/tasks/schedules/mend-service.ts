import type { Logger } from '../../log.ts';
import { Repeating } from '../../scheduler/repeating.ts';
import type { SchedulePlanner } from './planner.ts';

const idleMilliseconds = 5_000;

/** Plans the next run of schedules whose own was cancelled or lost. Any number may run. */
export function createScheduleMender(shard: number, planner: SchedulePlanner, log: Logger): Repeating {
  return new Repeating(`schedule mender of shard ${shard}`, log, async () => {
    await planner.mend(Date.now());
    return idleMilliseconds;
  });
}
