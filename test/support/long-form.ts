import { vi } from 'vitest';
import { newSeed } from '../../src/load/random.ts';

/** With FAULTS_LONG=1 the fault tests run for minutes instead of seconds. */
export const isLongForm = process.env.FAULTS_LONG === '1';

/** One of two sizes: for every test run, and for the long form. */
export function size(short: number, long: number): number {
  return isLongForm ? long : short;
}

/** A seed for a test: FAULTS_SEED repeats an earlier run. It is printed, so that a failure can be repeated. */
export function announceSeed(name: string): number {
  const seed = process.env.FAULTS_SEED === undefined ? newSeed() : Number(process.env.FAULTS_SEED);
  console.info(`${name}: FAULTS_SEED=${seed}`);
  return seed;
}

/** Gives the tests of a file the time that their form needs. */
export function limitTime(): void {
  vi.setConfig({ testTimeout: isLongForm ? 1_800_000 : 180_000 });
}
