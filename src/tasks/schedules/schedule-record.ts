import { rhythmWindow } from '../../domain/schedule/boundaries.ts';
import { parseRhythm } from '../../domain/schedule/parse-schedule.ts';
import type { Rhythm } from '../../domain/schedule/schedule.ts';
import { toDate } from '../../postgres/sql.ts';

/**
 * What becomes of runs whose time passed while nobody could run them. NONE: they are left out. ONE: one run stands for
 * all of them. ALL: each is made up for, one after the other, a week back at most.
 */
export const catchUpRules = ['NONE', 'ONE', 'ALL'] as const;
export type CatchUpRule = (typeof catchUpRules)[number];

/** A task that comes again and again. */
export interface TaskSchedule {
  readonly id: string;
  readonly namespace: string;
  readonly name: string;
  readonly kind: string;
  readonly payload: unknown;
  readonly priority: number;
  readonly maxAttempts: number;
  readonly cron: string | null;
  readonly every: string | null;
  readonly anchor: string | null;
  readonly timeZone: string;
  readonly catchUp: CatchUpRule;
  readonly savedBy: string;
  readonly pause: { readonly since: Date; readonly by: string; readonly reason: string | null } | null;
  readonly revision: number;
  /** The task that stands for the next run; null while it is paused. */
  readonly nextTaskId: string | null;
  readonly nextAt: Date | null;
}

export interface ScheduleRow {
  readonly id: string;
  readonly namespace: string;
  readonly name: string;
  readonly kind: string;
  readonly payload: unknown;
  readonly priority: number;
  readonly max_attempts: number;
  readonly cron: string | null;
  readonly every: string | null;
  readonly anchor: string | null;
  readonly time_zone: string;
  readonly catch_up: CatchUpRule;
  readonly saved_by: string;
  readonly paused_at: string | null;
  readonly paused_by: string | null;
  readonly pause_reason: string | null;
  readonly revision: number;
  readonly next_task_id: string | null;
  readonly next_at: string | null;
}

export function toSchedule(row: ScheduleRow): TaskSchedule {
  return {
    id: row.id,
    namespace: row.namespace,
    name: row.name,
    kind: row.kind,
    payload: row.payload,
    priority: row.priority,
    maxAttempts: row.max_attempts,
    cron: row.cron,
    every: row.every,
    anchor: row.anchor,
    timeZone: row.time_zone,
    catchUp: row.catch_up,
    savedBy: row.saved_by,
    pause:
      row.paused_at === null
        ? null
        : { since: toDate(row.paused_at), by: row.paused_by ?? '', reason: row.pause_reason },
    revision: row.revision,
    nextTaskId: row.next_task_id,
    nextAt: row.next_at === null ? null : toDate(row.next_at),
  };
}

interface Times {
  readonly cron: string | null;
  readonly every: string | null;
  readonly anchor: string | null;
  readonly timeZone: string;
}

/** The first run after a moment. @param after milliseconds since 1970 */
export function nextRun(schedule: Times, after: number): number {
  return rhythmWindow(rhythmOf(schedule), schedule.timeZone, after).end;
}

/** The next runs after a moment. */
export function nextRuns(schedule: Times, after: number, count: number): readonly Date[] {
  const rhythm = rhythmOf(schedule);
  const runs: Date[] = [];
  for (let last = after; runs.length < count; ) {
    last = rhythmWindow(rhythm, schedule.timeZone, last).end;
    runs.push(new Date(last));
  }
  return runs;
}

/** @throws Fault `BAD_USER_INPUT` under `input` */
export function rhythmOf({ cron, every, anchor }: Omit<Times, 'timeZone'>): Rhythm {
  return parseRhythm('input', { cron, every, anchor });
}

export interface NextStep {
  /** When the next run is. */
  readonly runAt: number;
  /** Whether the run that is due now is left out. */
  readonly skips: boolean;
}

/**
 * What follows on a run that is just about to begin.
 * @param dueAt when it was to begin
 * @param now both in milliseconds since 1970
 * @param catchUpMilliseconds how far back runs are caught up
 */
export function stepOn(
  schedule: Times & { readonly catchUp: CatchUpRule },
  dueAt: number,
  now: number,
  catchUpMilliseconds: number,
): NextStep {
  const following = nextRun(schedule, dueAt);
  if (following > now) return { runAt: following, skips: false };
  if (schedule.catchUp !== 'ALL') return { runAt: nextRun(schedule, now), skips: schedule.catchUp === 'NONE' };
  const earliest = now - catchUpMilliseconds;
  return { runAt: following >= earliest ? following : nextRun(schedule, earliest), skips: false };
}
