import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changeSchedule, effectiveWindow } from '../../../src/domain/schedule/effective-window.ts';
import {
  dayMilliseconds,
  hourMilliseconds,
  minuteMilliseconds,
  toInstant,
  toWall,
} from '../../../src/domain/schedule/local-time.ts';
import { parseSchedule } from '../../../src/domain/schedule/parse-schedule.ts';
import type { Schedule } from '../../../src/domain/schedule/schedule.ts';
import { windowAt } from '../../../src/domain/schedule/window-at.ts';

const at = (text: string): number => Date.parse(text);
const show = (window: { start: number; end: number }): string =>
  `${new Date(window.start).toISOString()} ${new Date(window.end).toISOString()}`;
const schedule = (zone: string, window: Parameters<typeof parseSchedule>[1], quiet?: [string, string]): Schedule =>
  parseSchedule(zone, window, quiet === undefined ? null : { from: quiet[0], to: quiet[1] });

/** All ends of windows after a moment and up to another. */
function endsBetween(of: Schedule, from: number, to: number): number[] {
  const ends: number[] = [];
  for (let instant = from; ; ) {
    const { start, end } = windowAt(of, instant);
    expect(start).toBeLessThanOrEqual(instant);
    expect(end).toBeGreaterThan(instant);
    if (end > to) return ends;
    ends.push(end);
    instant = end;
  }
}

/** The same, found by looking at the clock minute by minute: a window ends when it first shows one of the times or more. */
function endsByTheClock(zone: string, isEnd: (wall: number) => boolean, from: number, to: number): number[] {
  const ends: number[] = [];
  let latest = toWall(zone, from);
  for (let instant = from + minuteMilliseconds; instant <= to; instant += minuteMilliseconds) {
    const wall = toWall(zone, instant);
    let passed = false;
    for (let minute = latest + minuteMilliseconds; minute <= wall; minute += minuteMilliseconds)
      passed ||= isEnd(minute);
    latest = Math.max(latest, wall);
    if (passed) ends.push(instant);
  }
  return ends;
}

const everyFourHours = schedule('Europe/Vienna', { every: 'PT4H' });

describe('windows of an interval', () => {
  it('end on the wall clock of the zone', () => {
    expect(show(windowAt(everyFourHours, at('2026-01-15T09:30:00Z')))).toBe(
      '2026-01-15T07:00:00.000Z 2026-01-15T11:00:00.000Z',
    );
    expect(show(windowAt(everyFourHours, at('2026-07-15T09:30:00Z')))).toBe(
      '2026-07-15T06:00:00.000Z 2026-07-15T10:00:00.000Z',
    );
  });

  it('hold what comes at their start, and not what comes at their end', () => {
    const { start, end } = windowAt(everyFourHours, at('2026-01-15T09:30:00Z'));
    expect(windowAt(everyFourHours, start)).toEqual({ start, end });
    expect(windowAt(everyFourHours, end - 1)).toEqual({ start, end });
    expect(windowAt(everyFourHours, end).start).toBe(end);
  });

  it('last three hours when the clocks go forward, five when they go back', () => {
    expect(show(windowAt(everyFourHours, at('2026-03-29T01:30:00Z')))).toBe(
      '2026-03-28T23:00:00.000Z 2026-03-29T02:00:00.000Z',
    );
    expect(show(windowAt(everyFourHours, at('2026-10-25T01:30:00Z')))).toBe(
      '2026-10-24T22:00:00.000Z 2026-10-25T03:00:00.000Z',
    );
  });

  it('walk through a year with both changes without a gap, and end at the same six hours on every day', () => {
    const ends = endsBetween(everyFourHours, at('2025-12-31T23:00:00Z'), at('2026-12-31T23:00:00Z'));
    expect(ends).toHaveLength(365 * 6);
    const lengths = ends.slice(1).map((end, index) => (end - ends[index]!) / hourMilliseconds);
    expect(lengths.filter((length) => length !== 4)).toEqual([3, 5]);
    for (const end of ends) expect(toWall('Europe/Vienna', end) % (4 * hourMilliseconds)).toBe(0);
  });

  it('follow an anchor', () => {
    const weekly = schedule('America/New_York', { every: 'P1W', anchor: '2026-01-07T17:30' });
    expect(show(windowAt(weekly, at('2026-03-10T12:00:00Z')))).toBe(
      '2026-03-04T22:30:00.000Z 2026-03-11T21:30:00.000Z',
    );
    const shifted = schedule('Europe/Vienna', { every: 'PT4H', anchor: '01:30' });
    expect(toWall('Europe/Vienna', windowAt(shifted, at('2026-06-01T00:00:00Z')).end) % dayMilliseconds).toBe(
      5.5 * hourMilliseconds,
    );
  });

  it('of an hour and less are counted as they pass: none lasts two hours', () => {
    const hourly = schedule('Europe/Vienna', { every: 'PT15M' });
    const ends = endsBetween(hourly, at('2026-10-24T20:00:00Z'), at('2026-10-25T06:00:00Z'));
    expect(ends).toHaveLength(40);
  });

  it('may fall into a gap: then they end with it', () => {
    const inGap = schedule('Europe/Vienna', { every: 'P1D', anchor: '02:30' });
    expect(show(windowAt(inGap, at('2026-03-29T00:59:59Z')))).toBe('2026-03-28T01:30:00.000Z 2026-03-29T01:00:00.000Z');
    expect(show(windowAt(inGap, at('2026-03-29T01:00:00Z')))).toBe('2026-03-29T01:00:00.000Z 2026-03-30T00:30:00.000Z');
  });

  it('may come twice: they end at the first', () => {
    const twice = schedule('Europe/Vienna', { every: 'P1D', anchor: '02:30' });
    expect(windowAt(twice, at('2026-10-25T00:29:59Z')).end).toBe(at('2026-10-25T00:30:00Z'));
    expect(windowAt(twice, at('2026-10-25T01:29:00Z')).start).toBe(at('2026-10-25T00:30:00Z'));
    expect(windowAt(twice, at('2026-10-25T01:29:00Z')).end).toBe(at('2026-10-26T01:30:00Z'));
  });
});

describe('windows of a cron expression', () => {
  const workdays = schedule('Europe/Vienna', { cron: '0 8,12,16 * * MON-FRI' });

  it('end when it comes, and wait over a weekend', () => {
    expect(show(windowAt(workdays, at('2026-06-05T15:00:00Z')))).toBe(
      '2026-06-05T14:00:00.000Z 2026-06-08T06:00:00.000Z',
    );
    expect(windowAt(workdays, at('2026-06-08T06:00:00Z')).start).toBe(at('2026-06-08T06:00:00Z'));
  });

  it('may be given where a duration stands', () => {
    expect(schedule('UTC', { every: '0 */4 * * *' }).rhythm).toEqual({ kind: 'cron', expression: '0 */4 * * *' });
  });
});

describe('both changes of a year', () => {
  const zones: [string, string, string][] = [
    ['Europe/Vienna', '2026-03-29', '2026-10-25'],
    ['America/New_York', '2026-03-08', '2026-11-01'],
    ['Australia/Lord_Howe', '2026-10-04', '2026-04-05'],
    ['Asia/Kolkata', '2026-03-29', '2026-10-25'],
  ];
  const rhythms: [string, Parameters<typeof parseSchedule>[1], (wall: number) => boolean][] = [
    ['PT4H', { every: 'PT4H' }, (wall) => wall % (4 * hourMilliseconds) === 0],
    ['PT90M', { every: 'PT90M' }, (wall) => (wall - Date.UTC(2024, 0, 1)) % (90 * minuteMilliseconds) === 0],
    [
      'half past one and two',
      { cron: '30 1,2 * * *' },
      (wall) => [90, 150].includes((wall % dayMilliseconds) / minuteMilliseconds),
    ],
    ['every 20 minutes', { cron: '*/20 * * * *' }, (wall) => wall % (20 * minuteMilliseconds) === 0],
  ];
  for (const [zone, ...days] of zones)
    for (const [name, input, isEnd] of rhythms)
      it(`${name} in ${zone}, as a look at the clock every minute shows it`, () => {
        const of = schedule(zone, input);
        for (const day of days) {
          const [from, to] = [at(`${day}T00:00:00Z`) - dayMilliseconds, at(`${day}T00:00:00Z`) + 1.5 * dayMilliseconds];
          expect(endsBetween(of, from, to)).toEqual(endsByTheClock(zone, isEnd, from, to));
        }
      });
});

describe('quiet hours', () => {
  const quiet = schedule('Europe/Vienna', { every: 'PT4H' }, ['22:00', '07:00']);

  it('make one window of those that would end in them', () => {
    const night = windowAt(quiet, at('2026-01-15T20:30:00Z'));
    expect(show(night)).toBe('2026-01-15T19:00:00.000Z 2026-01-16T06:00:00.000Z');
    for (const time of ['2026-01-15T22:59:00Z', '2026-01-15T23:00:00Z', '2026-01-16T03:30:00Z', '2026-01-16T05:59:59Z'])
      expect(windowAt(quiet, at(time))).toEqual(night);
    expect(show(windowAt(quiet, at('2026-01-16T06:00:00Z')))).toBe('2026-01-16T06:00:00.000Z 2026-01-16T07:00:00.000Z');
  });

  it('end as the clock says on the days of the changes', () => {
    expect(windowAt(quiet, at('2026-03-29T00:30:00Z')).end).toBe(at('2026-03-29T05:00:00Z'));
    expect(windowAt(quiet, at('2026-10-25T00:30:00Z')).end).toBe(at('2026-10-25T06:00:00Z'));
  });

  it('may lie within a day, and hold many ends', () => {
    const noon = schedule('UTC', { every: 'PT15M' }, ['12:00', '13:30']);
    expect(show(windowAt(noon, at('2026-01-15T12:40:00Z')))).toBe('2026-01-15T11:45:00.000Z 2026-01-15T13:30:00.000Z');
  });
});

describe('any schedule', () => {
  const zone = fc.constantFrom(
    'Europe/Vienna',
    'America/St_Johns',
    'Australia/Lord_Howe',
    'Asia/Tokyo',
    'Africa/Casablanca',
    'UTC',
  );
  const clock = fc
    .integer({ min: 0, max: 1439 })
    .map((minutes) => new Date(minutes * 60_000).toISOString().slice(11, 16));
  const rhythm = fc.oneof(
    fc.tuple(fc.integer({ min: 1, max: 200 }), clock).map(([hours, anchor]) => ({ every: `PT${hours}H`, anchor })),
    fc.integer({ min: 1, max: 180 }).map((minutes) => ({ every: `PT${minutes}M` })),
    fc.constantFrom({ cron: '0 8 * * *' }, { cron: '30 2 * * *' }, { cron: '*/7 1-3 * * 0' }, { cron: '0 0 1 * *' }),
  );
  const quiet = fc.option(
    fc.tuple(clock, clock).filter(([from, to]) => from !== to),
    { nil: undefined },
  );
  const instant = fc.date({ min: new Date('2025-01-01'), max: new Date('2028-01-01'), noInvalidDate: true });

  it('puts every moment into exactly one window, and leaves no gap', () => {
    fc.assert(
      fc.property(
        zone,
        rhythm,
        quiet,
        instant,
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (name, window, hours, date, part) => {
          const of = schedule(name, window, hours);
          const found = windowAt(of, date.getTime());
          expect(found.start).toBeLessThanOrEqual(date.getTime());
          expect(found.end).toBeGreaterThan(date.getTime());
          const within = found.start + Math.floor((found.end - found.start) * part);
          expect(windowAt(of, within)).toEqual(found);
          expect(windowAt(of, found.end).start).toBe(found.end);
          expect(windowAt(of, found.start - 1).end).toBe(found.start);
        },
      ),
      { numRuns: 400 },
    );
  });

  it('changes from the next window on', () => {
    fc.assert(
      fc.property(zone, rhythm, rhythm, quiet, instant, (name, before, after, hours, date) => {
        const old = { schedule: schedule(name, before), since: null, previous: null };
        const changed = changeSchedule(old, schedule(name, after, hours), date.getTime());
        const running = effectiveWindow(old, date.getTime());
        expect(effectiveWindow(changed, date.getTime())).toEqual(running);
        const next = effectiveWindow(changed, running.end);
        expect(next.start).toBe(running.end);
        expect(next.end).toBe(windowAt(changed.schedule, running.end).end);
        // Changed once more in the same window: what ran goes on to its end, and the first change never holds.
        const again = changeSchedule(changed, old.schedule, date.getTime());
        expect(effectiveWindow(again, date.getTime())).toEqual(running);
        expect(effectiveWindow(again, running.end).end).toBe(windowAt(old.schedule, running.end).end);
      }),
      { numRuns: 200 },
    );
  });
});

describe('wall time', () => {
  it('and moments lead to each other', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('Europe/Vienna', 'America/St_Johns', 'Australia/Lord_Howe', 'Pacific/Apia', 'Asia/Kathmandu'),
        fc.date({ min: new Date('2020-01-01'), max: new Date('2030-01-01'), noInvalidDate: true }),
        (zone, date) => {
          const wall = toWall(zone, date.getTime());
          const first = toInstant(zone, wall);
          expect(first).toBeLessThanOrEqual(date.getTime());
          expect(toWall(zone, first)).toBe(wall);
        },
      ),
    );
  });
});

describe('bad schedules', () => {
  it.each([
    ['a zone that is none', 'Mars/Olympus', { every: 'PT4H' }, undefined, 'input.timeZone'],
    ['an offset', '+01:00', { every: 'PT4H' }, undefined, 'input.timeZone'],
    ['neither rhythm', 'UTC', {}, undefined, 'input.window'],
    ['both rhythms', 'UTC', { every: 'PT4H', cron: '0 8 * * *' }, undefined, 'input.window'],
    ['no length', 'UTC', { every: 'PT0S' }, undefined, 'input.window.every'],
    ['months', 'UTC', { every: 'P1M' }, undefined, 'input.window.every'],
    ['too long', 'UTC', { every: 'P32D' }, undefined, 'input.window.every'],
    ['a nameless length', 'UTC', { every: 'PT' }, undefined, 'input.window.every'],
    ['six fields', 'UTC', { cron: '0 0 8 * * *' }, undefined, 'input.window.cron'],
    ['nonsense', 'UTC', { every: 'every four hours or so' }, undefined, 'input.window.every'],
    ['what never comes', 'UTC', { cron: '0 0 31 2 *' }, undefined, 'input.window.cron'],
    ['an anchor that is none', 'UTC', { every: 'PT4H', anchor: '25:00' }, undefined, 'input.window.anchor'],
    ['a day that is none', 'UTC', { every: 'PT4H', anchor: '2026-02-30T08:00' }, undefined, 'input.window.anchor'],
    ['an anchor with cron', 'UTC', { cron: '0 8 * * *', anchor: '08:00' }, undefined, 'input.window.anchor'],
    ['quiet hours all day', 'UTC', { every: 'PT4H' }, ['08:00', '08:00'], 'input.quietHours'],
    ['quiet hours that are none', 'UTC', { every: 'PT4H' }, ['8', '10:00'], 'input.quietHours.from'],
  ] as const)('%s', (_what, zone, window, quiet, field) => {
    expect(() => schedule(zone, window, quiet as [string, string] | undefined)).toThrow(
      expect.objectContaining({ code: 'BAD_USER_INPUT', field }),
    );
  });
});
