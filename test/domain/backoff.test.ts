import fc from 'fast-check';
import { expect, it } from 'vitest';
import { retryDelayMilliseconds } from '../../src/domain/backoff.ts';

const rule = { firstMilliseconds: 2_000, factor: 2, capMilliseconds: 60_000 };

it('doubles up to the cap', () => {
  expect([1, 2, 3, 4, 5, 6, 7, 1_000].map((attempt) => retryDelayMilliseconds(rule, attempt, 0))).toEqual([
    2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000,
  ]);
});

it('takes away at most a half, and is never below a millisecond or above the cap', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10_000 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (attempt, random) => {
        const full = retryDelayMilliseconds(rule, attempt, 0);
        const wait = retryDelayMilliseconds(rule, attempt, random);
        expect(wait).toBeGreaterThanOrEqual(full / 2);
        expect(wait).toBeLessThanOrEqual(full);
      },
    ),
  );
  expect(retryDelayMilliseconds({ firstMilliseconds: 0, factor: 1, capMilliseconds: 0 }, 1, 0.5)).toBe(1);
});
