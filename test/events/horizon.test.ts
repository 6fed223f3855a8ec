import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadStatement } from '../../src/postgres/sql.ts';
import type { TestEngine } from '../support/engine.ts';
import { alice, application, startEngine } from '../support/engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());

it('a reader never passes over a transaction that ends while it reads', async () => {
  const { shard, services } = engine.foundation;
  const pool = await shard.pool();
  const statement = loadStatement('read-events');
  const registered = await services.register(alice, application);
  if (registered.kind !== 'registered') throw new Error(registered.kind);
  const { topicId, id } = registered.held.case;
  const insert = `insert into events (position, namespace, topic_id, item_id, type, actor, at)
    values (event_position(), 'acme', $1, $2, 'RELEASED', 'bob', clock_timestamp())`;
  let stop = false;
  let written = 1;
  const write = async (): Promise<void> => {
    while (!stop) {
      const client = await pool.connect();
      await client.query('begin');
      await client.query(insert, [topicId, id]);
      if (written % 3 === 0) await client.query('select pg_sleep(0.002)');
      await client.query('commit');
      written += 1;
      client.release();
    }
  };
  const writers = [write(), write(), write(), write()];
  const seen = new Set<number>();
  let place = { position: 0, sequence: 0 };
  const read = async (): Promise<number> => {
    const { rows } = await pool.query<{ position: number; sequence: number }>(statement.text, [
      place.position,
      place.sequence,
      500,
    ]);
    for (const row of rows) {
      seen.add(row.sequence);
      place = row;
    }
    return rows.length;
  };
  for (let round = 0; round < 1_500; round++) await read();
  stop = true;
  await Promise.all(writers);
  // Transactions of other databases on the same server hold the horizon back, too, so the last events may come later.
  const readOn = async (): Promise<number> => {
    while ((await read()) > 0);
    return seen.size;
  };
  await expect.poll(readOn, { timeout: 10_000 }).toBe(written);
  expect(written).toBeGreaterThan(100);
});
