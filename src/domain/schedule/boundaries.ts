import { Cron } from 'croner';
import { hourMilliseconds, toInstant, toWall } from './local-time.ts';
import type { Rhythm } from './schedule.ts';

/**
 * The window that a rhythm alone gives at a moment. The ends lie on the wall clock: at eight they stay at eight when the
 * clocks change, so a window of four hours lasts three or five real ones on those days. An end that falls into the gap
 * is the first moment after it, one that comes twice is its first coming. Intervals of an hour and less are counted as
 * they pass instead: nobody wants an hour without any, twice a year.
 */
export function rhythmWindow(rhythm: Rhythm, zone: string, instant: number): { start: number; end: number } {
  if (rhythm.kind === 'interval' && rhythm.milliseconds <= hourMilliseconds) {
    const anchor = toInstant(zone, rhythm.anchor);
    const start = anchor + Math.floor((instant - anchor) / rhythm.milliseconds) * rhythm.milliseconds;
    return { start, end: start + rhythm.milliseconds };
  }
  const ends = rhythm.kind === 'interval' ? gridEnds(rhythm.milliseconds, rhythm.anchor) : cronEnds(rhythm.expression);
  const wall = toWall(zone, instant);
  let start = toInstant(zone, ends.atOrBefore(wall));
  let next = ends.after(wall);
  let end = toInstant(zone, next);
  // While the clocks show an hour again, ends of its first coming have passed already; in a gap several fall together.
  while (end <= instant) {
    start = end;
    next = ends.after(next);
    end = toInstant(zone, next);
  }
  return { start, end };
}

/** The ends of windows in wall time. */
interface Ends {
  atOrBefore(wall: number): number;
  after(wall: number): number;
}

function gridEnds(step: number, anchor: number): Ends {
  const atOrBefore = (wall: number): number => anchor + Math.floor((wall - anchor) / step) * step;
  return { atOrBefore, after: (wall) => atOrBefore(wall) + step };
}

function cronEnds(expression: string): Ends {
  const cron = openCron(expression);
  return {
    // It looks strictly before its reference, and at whole seconds.
    atOrBefore: (wall) => cron.previousRuns(1, new Date(Math.floor(wall / 1_000) * 1_000 + 1_000))[0]?.getTime() ?? 0,
    after(wall) {
      const next = cron.nextRun(new Date(wall));
      if (next === null) throw new RangeError(`The cron expression '${expression}' never comes again`);
      return next.getTime();
    },
  };
}

/** On wall time: the clocks' changes are dealt with above, in one way for all rhythms. @throws Error when it is none */
export function openCron(expression: string): Cron {
  return new Cron(expression, { timezone: 'UTC', mode: '5-part', paused: true });
}
