import { describe, expect, it } from 'vitest';
import type { CatchUpRule } from '../../src/tasks/schedules/schedule-record.ts';
import { nextRuns, stepOn } from '../../src/tasks/schedules/schedule-record.ts';

const at = (text: string) => Date.parse(text);
const hourly = { cron: '0 * * * *', every: null, anchor: null, timeZone: 'UTC' };
const week = 604_800_000;

describe('the times of a schedule', () => {
  it('stay on the wall clock when the clocks change', () => {
    const morning = { cron: '30 2 * * *', every: null, anchor: null, timeZone: 'Europe/Vienna' };
    // On 29 March 2026 the hour from two to three is left out, on 25 October it comes twice.
    const spring = nextRuns(morning, at('2026-03-27T12:00:00Z'), 3);
    expect(spring.map((run) => run.toISOString())).toEqual([
      '2026-03-28T01:30:00.000Z',
      '2026-03-29T01:00:00.000Z',
      '2026-03-30T00:30:00.000Z',
    ]);
    const autumn = nextRuns(morning, at('2026-10-24T12:00:00Z'), 2);
    expect(autumn.map((run) => run.toISOString())).toEqual(['2026-10-25T00:30:00.000Z', '2026-10-26T01:30:00.000Z']);
  });

  it('are counted from an anchor', () => {
    const every = { cron: null, every: 'P1D', anchor: '08:00', timeZone: 'America/New_York' };
    expect(nextRuns(every, at('2026-07-01T00:00:00Z'), 1)[0]!.toISOString()).toBe('2026-07-01T12:00:00.000Z');
  });

  it.each<[CatchUpRule, string, boolean, string]>([
    ['NONE', '2026-01-01T02:30:00Z', false, '2026-01-01T03:00:00.000Z'],
    ['NONE', '2026-01-01T05:30:00Z', true, '2026-01-01T06:00:00.000Z'],
    ['ONE', '2026-01-01T05:30:00Z', false, '2026-01-01T06:00:00.000Z'],
    ['ALL', '2026-01-01T05:30:00Z', false, '2026-01-01T03:00:00.000Z'],
    ['ALL', '2026-02-01T05:30:00Z', false, '2026-01-25T06:00:00.000Z'],
  ])('%s, taken at %s', (catchUp, now, skips, runAt) => {
    const step = stepOn({ ...hourly, catchUp }, at('2026-01-01T02:00:00Z'), at(now), week);
    expect([step.skips, new Date(step.runAt).toISOString()]).toEqual([skips, runAt]);
  });
});
