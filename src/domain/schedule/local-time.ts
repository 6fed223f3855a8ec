/**
 * Moments and what a wall clock in a time zone shows. A **wall time** is a number of milliseconds, counted as if the
 * clock's date and time were UTC: what a zone's clocks show as 2026-03-29 08:00 is `Date.UTC(2026, 2, 29, 8)`.
 */

export const secondMilliseconds = 1_000;
export const minuteMilliseconds = 60_000;
export const hourMilliseconds = 3_600_000;
export const dayMilliseconds = 86_400_000;

const formats = new Map<string, Intl.DateTimeFormat>();
/** There are about 600 zones and their other names; a caller's invention is refused before it gets here. */
const formatsMax = 1_000;

/** Whether this is the name of a time zone of the IANA database, as `Europe/Vienna`. Offsets as `+01:00` are not. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)*$/.test(name) || name.length > 64) return false;
  try {
    formatOf(name);
    return true;
  } catch {
    return false; // the runtime knows no such zone, which is what was asked
  }
}

/** What a zone's clocks show at a moment. Whole seconds of offset; the milliseconds are kept. */
export function toWall(zone: string, instant: number): number {
  const parts = formatOf(zone).formatToParts(instant);
  let year = 0;
  let month = 0;
  let day = 0;
  let hour = 0;
  let minute = 0;
  let second = 0;
  for (const { type, value } of parts) {
    if (type === 'year') year = Number(value);
    else if (type === 'month') month = Number(value);
    else if (type === 'day') day = Number(value);
    else if (type === 'hour') hour = Number(value);
    else if (type === 'minute') minute = Number(value);
    else if (type === 'second') second = Number(value);
  }
  const milliseconds = ((instant % secondMilliseconds) + secondMilliseconds) % secondMilliseconds;
  return Date.UTC(year, month - 1, day, hour, minute, second) + milliseconds;
}

/**
 * The moment at which a zone's clocks show a wall time. One that comes twice (clocks go back) is its first coming; one
 * that never comes (clocks go forward) is the first moment after the gap.
 */
export function toInstant(zone: string, wall: number): number {
  // A zone's clocks change at most once in two days, so these are the offsets before and after.
  const before = offsetAt(zone, wall - dayMilliseconds);
  const after = offsetAt(zone, wall + dayMilliseconds);
  const first = wall - Math.max(before, after);
  const second = wall - Math.min(before, after);
  if (toWall(zone, first) === wall) return first;
  if (toWall(zone, second) === wall) return second;
  return findChange(zone, first, second);
}

function offsetAt(zone: string, instant: number): number {
  return toWall(zone, instant) - instant;
}

/** The first moment of the later offset. @param low a moment before the change @param high one after it */
function findChange(zone: string, low: number, high: number): number {
  const early = offsetAt(zone, low);
  let before = low;
  let after = high;
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (offsetAt(zone, middle) === early) before = middle;
    else after = middle;
  }
  return after;
}

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    calendar: 'iso8601',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  if (formats.size >= formatsMax) formats.clear();
  formats.set(zone, format);
  return format;
}
