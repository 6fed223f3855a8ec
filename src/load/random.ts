import { createHash } from 'node:crypto';

/** A stream of chance that its seed repeats: numbers in [0, 1). */
export type Random = () => number;

const numbersPerBlock = 8;

/**
 * Makes a stream of chance from a seed. Each part of a run has a stream of its own, so that its choices do not depend
 * on how fast the other parts run.
 */
export function createRandom(seed: number, part: string): Random {
  let block = Buffer.alloc(0);
  let count = 0;
  return () => {
    const place = count % numbersPerBlock;
    if (place === 0) block = createHash('sha256').update(`${seed}/${part}/${count}`).digest();
    count += 1;
    return block.readUInt32LE(place * 4) / 2 ** 32;
  };
}

export function pickOne<Value>(random: Random, values: readonly Value[]): Value {
  return values[Math.floor(random() * values.length)]!;
}

/** A seed for a run that was given none; printed, so that the run can be repeated. */
export function newSeed(): number {
  return Math.floor(Math.random() * 2 ** 31);
}
