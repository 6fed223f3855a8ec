import { setImmediate as nextRound } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createBatcher } from '../../src/queue/batcher.ts';

/** A batcher whose statements end when the test says so. */
function startBatcher(options: { readonly rowsMax?: number } = {}) {
  const running: { readonly inputs: readonly number[]; readonly end: () => void }[] = [];
  const load = createBatcher<number, number>({
    run: (inputs) => {
      const { promise, resolve } = Promise.withResolvers<readonly number[]>();
      running.push({ inputs, end: () => resolve(inputs) });
      return promise;
    },
    ...options,
  });
  return { running, load };
}

test('what comes while a statement runs gathers for the next one', async () => {
  const { running, load } = startBatcher();
  const first = load(1);
  await nextRound();
  const others = [load(2), load(3)];
  await nextRound();
  expect(running.map(({ inputs }) => inputs)).toEqual([[1]]);

  running[0]!.end();
  expect(await first).toBe(1);
  await nextRound();
  expect(running.map(({ inputs }) => inputs)).toEqual([[1], [2, 3]]);
  running[1]!.end();
  expect(await Promise.all(others)).toEqual([2, 3]);
});

test('a statement that takes long does not hold up the next one', async () => {
  const { running, load } = startBatcher();
  const stuck = load(1);
  await nextRound();
  const second = load(2);
  await expect.poll(() => running.length).toBe(2);
  running[1]!.end();
  expect(await second).toBe(2);

  running[0]!.end();
  expect(await stuck).toBe(1);
});

test('a full batch does not wait for the one before it', async () => {
  const { running, load } = startBatcher({ rowsMax: 2 });
  const first = load(1);
  await nextRound();
  const others = [load(2), load(3), load(4)];
  await nextRound();
  expect(running.map(({ inputs }) => inputs)).toEqual([[1], [2, 3]]);

  for (const { end } of running) end();
  await expect.poll(() => running.length).toBe(3);
  running[2]!.end();
  expect(await Promise.all([first, ...others])).toEqual([1, 2, 3, 4]);
});
