import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addDays } from '../../../src/domain/schedule/business-days.ts';
import { dayMilliseconds, toWall } from '../../../src/domain/schedule/local-time.ts';

const add = (text: string, days: number, business: boolean, zone = 'Europe/Vienna'): string =>
  new Date(addDays(zone, Date.parse(text), days, business)).toISOString();

describe('days later', () => {
  it('is the same time of day, also when the clocks change in between', () => {
    expect(add('2026-03-27T09:00:00Z', 3, false)).toBe('2026-03-30T08:00:00.000Z');
    expect(add('2026-10-23T08:00:00Z', 3, false)).toBe('2026-10-26T09:00:00.000Z');
    expect(add('2024-02-28T12:00:00Z', 2, false, 'UTC')).toBe('2024-03-01T12:00:00.000Z');
  });

  it('leaves weekends out when only business days count', () => {
    expect(add('2026-06-05T10:00:00Z', 1, true)).toBe('2026-06-08T10:00:00.000Z'); // a Friday
    expect(add('2026-06-06T10:00:00Z', 1, true)).toBe('2026-06-08T10:00:00.000Z'); // a Saturday
    expect(add('2026-06-03T10:00:00Z', 3, true)).toBe('2026-06-08T10:00:00.000Z');
    expect(add('2026-06-03T10:00:00Z', 10, true)).toBe('2026-06-17T10:00:00.000Z');
    // Sunday evening in Vienna is Monday in Tokyo.
    expect(add('2026-06-07T16:00:00Z', 1, true, 'Asia/Tokyo')).toBe('2026-06-08T16:00:00.000Z');
  });

  it('counts business days as a walk from day to day does', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('2026-01-01'), max: new Date('2027-01-01'), noInvalidDate: true }),
        fc.integer({ min: 1, max: 60 }),
        (date, days) => {
          let wall = toWall('UTC', date.getTime());
          for (let left = days; left > 0; ) {
            wall += dayMilliseconds;
            if (![0, 6].includes(new Date(wall).getUTCDay())) left -= 1;
          }
          expect(addDays('UTC', date.getTime(), days, true)).toBe(wall);
        },
      ),
    );
  });
});
