import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestEngine } from '../support/engine.ts';
import { startEngine } from '../support/engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());

const sleep = (seconds: number) => ({ name: `sleep-${seconds}`, text: `select pg_sleep(${seconds})` });

describe('a slow statement', () => {
  it('fails its own caller only, within two seconds', async () => {
    const { shard } = engine.foundation;
    await shard.ping();
    const slow = shard.run(sleep(3), []).catch((error: unknown) => error);
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    const other = shard.run(sleep(0.7), []);
    expect(await slow).toMatchObject({ code: 'BACKPRESSURE', retryAfterMs: 250 });
    expect(await other).toHaveLength(1);
    expect(await shard.ping()).toBe(true);
  });

  it('may take longer where it is expected to', async () => {
    expect(await engine.foundation.shard.runPatiently(sleep(2), [])).toHaveLength(1);
  });
});
