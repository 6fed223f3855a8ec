import { dayMilliseconds, hourMilliseconds, minuteMilliseconds, secondMilliseconds } from './local-time.ts';

const pattern = /^P(?:(\d{1,4})W|(?:(\d{1,4})D)?(?:T(?=\d)(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,8})S)?)?)$/;

/**
 * Reads an ISO 8601 duration of weeks, or of days, hours, minutes and seconds. Months and years have no fixed length
 * and are not taken.
 * @returns milliseconds, or undefined when it is not such a duration
 */
export function readDuration(text: string): number | undefined {
  const match = text.length <= 40 ? pattern.exec(text) : null;
  if (match === null) return undefined;
  const [, weeks, days, hours, minutes, seconds] = match;
  if ([weeks, days, hours, minutes, seconds].every((part) => part === undefined)) return undefined;
  return (
    Number(weeks ?? 0) * 7 * dayMilliseconds +
    Number(days ?? 0) * dayMilliseconds +
    Number(hours ?? 0) * hourMilliseconds +
    Number(minutes ?? 0) * minuteMilliseconds +
    Number(seconds ?? 0) * secondMilliseconds
  );
}
