import { limits } from '../../domain/limits.ts';
import type { Shard } from '../../postgres/shard.ts';
import { loadStatement } from '../../postgres/sql.ts';
import type { Announcer } from '../../queue/announcements.ts';
import type { Topics } from '../../queue/topics.ts';
import { openTasks } from '../open-tasks.ts';
import type { ScheduleRow, TaskSchedule } from './schedule-record.ts';
import { nextRun, stepOn, toSchedule } from './schedule-record.ts';

const planScheduleRun = loadStatement('plan-schedule-run');
const readSchedules = loadStatement('read-task-schedules');
const readBroken = loadStatement('read-broken-schedules');
const brokenPerStep = 100;
/** How often it is looked again when somebody else changed the schedule at the same moment. */
const staleRetries = 3;

export type PlanOutcome = 'ready' | 'scheduled' | 'stale';

export interface PlannerDependencies {
  readonly shard: Shard;
  readonly topics: Topics;
  readonly announcer: Announcer;
  readonly newId: (shard: number) => string;
}

/**
 * Keeps one task for the next run of each schedule: whoever takes it creates the following one first. A crash in between
 * changes nothing, because whoever takes the task then does the same, and only one can.
 */
export class SchedulePlanner {
  readonly #dependencies: PlannerDependencies;

  constructor(dependencies: PlannerDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Before a run begins: creates the next one, unless that was done.
   * @param now when the run's task was claimed
   * @returns false when this run is left out; its task is cancelled then
   * @throws Fault `UNAVAILABLE` or `BACKPRESSURE`
   */
  async begin(scheduleId: string, taskId: string, now: Date): Promise<boolean> {
    for (let attempt = 0; attempt < staleRetries; attempt++) {
      const schedule = await this.#read(scheduleId);
      if (schedule?.nextTaskId !== taskId || schedule.nextAt === null) return true;
      const catchUp = limits.taskCatchUpSeconds * 1_000;
      const step = stepOn(schedule, schedule.nextAt.getTime(), now.getTime(), catchUp);
      const outcome = await this.plan(schedule, taskId, step.skips, step.runAt);
      if (outcome !== 'stale') return !step.skips;
    }
    return true; // somebody else changed it each time, and planned the next run
  }

  /** Creates the task of a schedule's next run, in the place of `taskId`. */
  async plan(schedule: TaskSchedule, taskId: string | null, skips: boolean, runAt: number): Promise<PlanOutcome> {
    const { shard, topics, newId, announcer } = this.#dependencies;
    const topic =
      topics.known(schedule.namespace, 'tasks', schedule.kind) ??
      (await topics.ensure(schedule.namespace, 'tasks', schedule.kind));
    const next = newId(shard.number);
    const at = new Date(runAt).toISOString();
    const values = [schedule.id, schedule.revision, taskId, skips, at, newId(shard.number), next, topic.id];
    const [row] = await shard.run<{ outcome: PlanOutcome }>(planScheduleRun, values);
    const outcome = row?.outcome ?? 'stale';
    await this.announce(outcome, { id: next, topicId: topic.id, priority: schedule.priority, at });
    if (outcome !== 'stale') announcer.eventsWritten();
    return outcome;
  }

  /** After the commit: a run whose time has passed already wants a ticket. */
  async announce(
    outcome: string,
    run: { readonly id: string; readonly topicId: number; readonly priority: number; readonly at: string },
  ): Promise<void> {
    if (outcome !== 'ready') return;
    await openTasks(this.#dependencies, [
      { outcome: 'released', item_id: run.id, topic_id: run.topicId, priority: run.priority, deliver_after: run.at },
    ]);
  }

  /**
   * Plans the next run of schedules that have none: it was cancelled by hand, or ended with a worker that was lost. Any
   * number of processes may do so.
   * @returns how many had none
   */
  async mend(now: number): Promise<number> {
    const rows = await this.#dependencies.shard.run<{ id: string }>(readBroken, [brokenPerStep]);
    for (const { id } of rows) {
      const schedule = await this.#read(id);
      if (schedule === undefined || schedule.pause !== null) continue;
      // What was cancelled stays so: the next one comes after it.
      const after = Math.max(now, schedule.nextAt?.getTime() ?? 0);
      await this.plan(schedule, schedule.nextTaskId, false, nextRun(schedule, after));
    }
    return rows.length;
  }

  async #read(id: string): Promise<TaskSchedule | undefined> {
    const [row] = await this.#dependencies.shard.run<ScheduleRow>(readSchedules, [null, null, id, 1]);
    return row === undefined ? undefined : toSchedule(row);
  }
}
