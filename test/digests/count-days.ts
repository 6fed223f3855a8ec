import { dayMilliseconds, toInstant, toWall } from '../../src/domain/schedule/local-time.ts';

/**
 * What `add_days` in SQL must give: the moment so many days later at the same time of day by a zone's clocks. Business days are Monday to Friday.
 * @param instant milliseconds since 1970
 */
export function addDays(zone: string, instant: number, days: number, business: boolean): number {
  const wall = toWall(zone, instant);
  if (!business) return toInstant(zone, wall + days * dayMilliseconds);
  let day = wall;
  while (days > 0 && isWeekend(day)) day -= dayMilliseconds; // a weekend counts as the end of its Friday
  // Whole weeks at once, so that a long wait costs no more than a short one.
  day += Math.floor(days / 5) * 7 * dayMilliseconds;
  for (let left = days % 5; left > 0; ) {
    day += dayMilliseconds;
    if (!isWeekend(day)) left -= 1;
  }
  return toInstant(zone, day);
}

function isWeekend(wall: number): boolean {
  const weekday = new Date(wall).getUTCDay();
  return weekday === 0 || weekday === 6;
}
