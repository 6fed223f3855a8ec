import { describe, expect, test } from 'vitest';
import { createApplicantNames } from '../../src/load/applicants.ts';
import { createRandom } from '../../src/load/random.ts';
import { mayRetry, outcomeWithoutResult, waitBeforeRetry } from '../../src/load/retry.ts';
import { halfAndHalf, planSabotage } from '../../src/load/saboteur.ts';
import { percentile, summarizeDurations } from '../../src/load/statistics.ts';

const fault = (code: string) => ({ kind: 'fault', code, message: '', retryAfterMs: null }) as const;

describe('what a client knows without a result', () => {
  test.each([
    ['a connection that was never made', { kind: 'broken', sent: false, reason: 'ECONNREFUSED' } as const, 'fail'],
    ['a connection that broke', { kind: 'broken', sent: true, reason: 'ECONNRESET' } as const, 'unknown'],
    ['a record that is out of reach', fault('UNAVAILABLE'), 'unknown'],
    ['an internal error', fault('INTERNAL'), 'unknown'],
    ['a full buffer', fault('BACKPRESSURE'), 'fail'],
    ['a bad request', fault('BAD_USER_INPUT'), 'fail'],
  ])('%s', (_name, reply, outcome) => {
    expect(outcomeWithoutResult(reply)).toBe(outcome);
  });

  test('what may be sent again', () => {
    expect(['UNAVAILABLE', 'BACKPRESSURE', 'RATE_LIMITED', 'HTTP_502'].map((code) => mayRetry(fault(code)))).toEqual(
      Array(4).fill(true),
    );
    expect(['FORBIDDEN', 'BAD_USER_INPUT', 'UNAUTHENTICATED'].map((code) => mayRetry(fault(code)))).toEqual(
      Array(3).fill(false),
    );
  });
});

describe('the wait before a repetition', () => {
  test('is what the server asked for, half of it more or less', () => {
    expect(waitBeforeRetry(1, 1_000, () => 0)).toBe(500);
    expect(waitBeforeRetry(9, 1_000, () => 0.999)).toBeCloseTo(1_499, 0);
  });
  test('doubles without one, up to a limit', () => {
    expect([1, 2, 3, 20].map((failures) => waitBeforeRetry(failures, null, () => 0.5))).toEqual([50, 100, 200, 2_000]);
  });
});

describe('chance', () => {
  test('is repeated by the seed, and differs between parts', () => {
    const take = (seed: number, part: string): number[] => Array.from({ length: 20 }, createRandom(seed, part));
    expect(take(1, 'a')).toEqual(take(1, 'a'));
    expect(take(1, 'a')).not.toEqual(take(1, 'b'));
    expect(take(1, 'a')).not.toEqual(take(2, 'a'));
    for (const value of take(3, 'c')) expect(value >= 0 && value < 1).toBe(true);
  });

  test('kills half gateways and half schedulers, spread over the run', () => {
    const deeds = planSabotage(halfAndHalf(8, true), createRandom(5, 'sabotage'));
    const kinds = Map.groupBy(deeds, ({ victim }) => victim);
    expect([...kinds].map(([kind, list]) => [kind, list.length]).sort()).toEqual([
      ['gateway', 4],
      ['nats-server wiped', 1],
      ['postgres', 1],
      ['scheduler', 4],
    ]);
    const places = deeds.map(({ at }) => at);
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places.at(-1)).toBeLessThan(0.9);
  });
});

describe('durations', () => {
  test('are summarized by the smallest value that so many do not exceed', () => {
    const values = Array.from({ length: 100 }, (_, n) => 100 - n);
    expect(summarizeDurations(values)).toEqual({ requests: 100, p50Ms: 50, p99Ms: 99 });
    expect(percentile([7], 99)).toBe(7);
    expect(percentile([], 50)).toBeNaN();
  });
});

describe('applicants', () => {
  test('have the names of real companies, told apart when they come again', () => {
    const name = createApplicantNames();
    expect(name(0)).toBe('A. O. Smith');
    expect(name(100_000)).toMatch(/ \(\d+\)$/);
    expect(new Set(Array.from({ length: 2_000 }, (_, n) => name(n))).size).toBe(2_000);
  });
  test('are numbered without that data', () => {
    expect(createApplicantNames(new URL('file:///nowhere/companies.csv'))(0)).toBe('Applicant 1');
  });
});
