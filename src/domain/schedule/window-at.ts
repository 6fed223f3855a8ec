import { rhythmWindow } from './boundaries.ts';
import { dayMilliseconds, minuteMilliseconds, toInstant, toWall } from './local-time.ts';
import type { QuietHours, Schedule, Window } from './schedule.ts';

/**
 * The window in which a moment lies: from its start on, before its end. Every moment lies in exactly one, and the next
 * window starts where this one ends. Windows that would end in quiet hours end together when those do, as one.
 * @param instant milliseconds since 1970
 */
export function windowAt(schedule: Schedule, instant: number): Window {
  const { rhythm, timeZone, quietHours } = schedule;
  const plain = rhythmWindow(rhythm, timeZone, instant);
  if (quietHours === null) return plain;
  const quiet = quietSpanAt(quietHours, timeZone, instant);
  // An end has come in these quiet hours already: whatever arrives until they are over belongs to the window that waits.
  if (quiet !== undefined && plain.start >= quiet.start) {
    const before = rhythmWindow(rhythm, timeZone, quiet.start - 1);
    return { start: pushOut(quietHours, timeZone, before.start), end: quiet.end };
  }
  return { start: pushOut(quietHours, timeZone, plain.start), end: pushOut(quietHours, timeZone, plain.end) };
}

/** A moment, or the end of the quiet hours in which it lies. */
function pushOut(quietHours: QuietHours, zone: string, instant: number): number {
  return quietSpanAt(quietHours, zone, instant)?.end ?? instant;
}

/** The quiet hours in which a moment lies, if it lies in some. */
function quietSpanAt({ from, to }: QuietHours, zone: string, instant: number): Window | undefined {
  const wall = toWall(zone, instant);
  const midnight = Math.floor(wall / dayMilliseconds) * dayMilliseconds;
  const length = (from < to ? to - from : to + 1_440 - from) * minuteMilliseconds;
  for (const day of [midnight - dayMilliseconds, midnight]) {
    const startsAt = day + from * minuteMilliseconds;
    const start = toInstant(zone, startsAt);
    const end = toInstant(zone, startsAt + length);
    if (instant >= start && instant < end) return { start, end };
  }
  return undefined;
}
