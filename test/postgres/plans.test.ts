import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Statement } from '../../src/postgres/sql.ts';
import { loadStatement, loadStatementWith } from '../../src/postgres/sql.ts';
import type { TestEngine } from '../support/engine.ts';
import { alice, application, startEngine } from '../support/engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  await engine.foundation.services.register(alice, application);
  const pool = await engine.foundation.shard.pool();
  await pool.query(`
    insert into items (id, namespace, topic_id, priority, deliver_after, state)
    select gen_random_uuid(), 'acme', 1, n % 100, clock_timestamp(), 'ready' from generate_series(1, 20000) n`);
  await pool.query(`
    update items set state = 'leased', lease_token = gen_random_uuid(), lease_holder = 'h' || (priority % 7),
           lease_acquired_at = clock_timestamp(), lease_expires_at = clock_timestamp() + interval '1 hour'
     where priority < 20`);
  await pool.query('analyze items');
});
afterAll(() => engine.stop());

/** The plan that PostgreSQL takes for a prepared statement once it plans for any parameters. */
async function explain({ text }: Statement, values: readonly string[]): Promise<string> {
  const client = await (await engine.foundation.shard.pool()).connect();
  try {
    await client.query('begin');
    await client.query('set local plan_cache_mode = force_generic_plan');
    await client.query(`prepare probe as ${text}`);
    const result = await client.query<{ 'QUERY PLAN': string }>(`explain execute probe (${values.join(', ')})`);
    await client.query('rollback');
    await client.query('deallocate probe');
    return result.rows.map((row) => row['QUERY PLAN']).join('\n');
  } finally {
    client.release();
  }
}

const uuids = `array['01a1fb1a-64c8-7000-8000-03a5f31dfca9']::uuid[]`;
const texts = `array['x']`;

describe('plans', () => {
  it.each([
    ['decide-cases', [uuids, uuids, texts, texts, `array['APPROVE']`, texts, texts, texts]],
    ['extend-leases', [uuids, uuids, texts, texts, 'array[60]', '43200']],
    ['release-items', [uuids, uuids, texts, texts, texts]],
  ])('%s finds items by primary key, not through the leases’ index', async (name, values) => {
    const plan = await explain(loadStatement(name), values);
    expect(plan).toMatch(/items_pkey/);
    expect(plan).not.toMatch(/items_leased|items_holder|Seq Scan on items/);
  });

  it('decisions with tasks find cases by primary key, too', async () => {
    const base = [uuids, uuids, texts, texts, `array['APPROVE']`, texts, texts, texts];
    const numbers = 'array[1]';
    const tasks = [uuids, numbers, uuids, numbers, texts, `array['{}']`, numbers, numbers, 'array[null]::text[]'];
    const plan = await explain(loadStatementWith('decide-cases', 'decide-tasks'), [...base, ...tasks]);
    expect(plan).toMatch(/items_pkey[\s\S]*cases_pkey/);
    expect(plan).not.toMatch(/Seq Scan on (items|cases)|items_leased|items_holder/);
  });

  it('claim_items follows the delivery order’s index and reads no more than it needs', async () => {
    const client = await (await engine.foundation.shard.pool()).connect();
    try {
      await client.query(`load 'auto_explain'`);
      const notices: string[] = [];
      client.on('notice', (notice) => notices.push(notice.message ?? ''));
      await client.query(`set auto_explain.log_min_duration = 0; set auto_explain.log_nested_statements = on;
        set auto_explain.log_analyze = on; set client_min_messages = log; set plan_cache_mode = force_generic_plan`);
      await client.query(`select * from claim_items(1, array['ann','ben'], array[gen_random_uuid(), gen_random_uuid()],
        array[null, null]::int[], array[1, 1], array['-infinity', '-infinity']::timestamptz[], array[null, null]::text[],
        array[null, null]::bigint[], -2147483648, '-infinity', '00000000-0000-0000-0000-000000000000')`);
      const head = notices.find((notice) => notice.includes('with head as materialized'));
      expect(head).toMatch(/Index Scan using items_ready on items c .*rows=2\.00/);
      expect(head).not.toMatch(/Sort|Seq Scan/);
      const count = notices.find((notice) => notice.includes('with counted as'));
      expect(count).toMatch(/items_holder/);
    } finally {
      client.release(true);
    }
  });
});
