import type { Schedule, Window } from './schedule.ts';
import { windowAt } from './window-at.ts';

/** A schedule with the one that it follows: a change takes effect where the window that ran at the time ends. */
export interface ScheduleChange {
  readonly schedule: Schedule;
  /** From when on the schedule holds, in milliseconds since 1970; null: always. */
  readonly since: number | null;
  /** What holds until then. */
  readonly previous: Schedule | null;
}

/** The window at a moment. The first one of a new schedule starts where the last one of the old ended. */
export function effectiveWindow({ schedule, since, previous }: ScheduleChange, instant: number): Window {
  if (since === null) return windowAt(schedule, instant);
  if (instant < since && previous !== null) {
    const window = windowAt(previous, instant);
    return { start: window.start, end: Math.min(window.end, since) };
  }
  const window = windowAt(schedule, instant);
  return { start: Math.max(window.start, since), end: window.end };
}

/** Replaces a schedule from the next window on. Changed twice in one window, the first of the two never holds. */
export function changeSchedule(now: ScheduleChange, schedule: Schedule, instant: number): ScheduleChange {
  const previous = now.since !== null && instant < now.since ? now.previous : now.schedule;
  return { schedule, since: effectiveWindow(now, instant).end, previous };
}
