import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadStatement } from '../../src/postgres/sql.ts';
import type { TestEngine } from '../support/engine.ts';
import { startEngine } from '../support/engine.ts';
import { createJob } from './task-engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  await createJob(engine.foundation, [{ kind: 'planned' }]);
  const pool = await engine.foundation.shard.pool();
  await pool.query(`
    insert into tasks (id, namespace, job_id, place, topic_id, kind, payload, priority, run_at, max_attempts, outcome, finished_at)
    select gen_random_uuid(), 'acme', gen_random_uuid(), 0, 1, 'planned', '{}', 0, clock_timestamp(), 3,
           case when n % 2 = 0 then 'SUCCEEDED' end, case when n % 2 = 0 then clock_timestamp() end
      from generate_series(1, 20000) n`);
  await pool.query(`
    insert into items (id, namespace, topic_id, priority, deliver_after, state)
    select id, namespace, topic_id, 0, clock_timestamp(), 'ready' from tasks where outcome is null on conflict do nothing`);
  await pool.query(`
    insert into jobs (id, namespace, kind, created_by, created_at)
    select gen_random_uuid(), 'acme', 'order', 'paul', clock_timestamp() from generate_series(1, 5000)`);
  await pool.query(`
    insert into task_attempts (task_id, attempt, worker, started_at, ended_at, outcome)
    select id, 1, 'w', clock_timestamp(), clock_timestamp(), 'SUCCEEDED' from tasks where outcome is not null`);
  await pool.query('analyze');
});
afterAll(() => engine.stop());

/** The plan that PostgreSQL takes for a prepared statement once it plans for any parameters. */
async function explain(name: string, values: readonly string[]): Promise<string> {
  const client = await (await engine.foundation.shard.pool()).connect();
  try {
    await client.query('begin');
    await client.query('set local plan_cache_mode = force_generic_plan');
    await client.query(`prepare probe as ${loadStatement(name).text}`);
    const result = await client.query<{ 'QUERY PLAN': string }>(`explain execute probe (${values.join(', ')})`);
    await client.query('rollback');
    await client.query('deallocate probe');
    return result.rows.map((row) => row['QUERY PLAN']).join('\n');
  } finally {
    client.release();
  }
}

const uuid = `'01a1fb1a-64c8-7000-8000-03a5f31dfca9'`;
const uuids = `array[${uuid}]::uuid[]`;
const texts = `array['x']`;

/** The plan for these very values, which lists get each time. */
async function explainFor(name: string, values: readonly string[]): Promise<string> {
  const text = loadStatement(name).text.replace(/\$(\d+)/g, (_place, number: string) => values[Number(number) - 1]!);
  const pool = await engine.foundation.shard.pool();
  const result = await pool.query<{ 'QUERY PLAN': string }>(`explain ${text}`);
  return result.rows.map((row) => row['QUERY PLAN']).join('\n');
}

describe('plans of tasks', () => {
  it('lists failed tasks and those of a job by their own index', async () => {
    const nothing = Array.from({ length: 6 }, () => 'null');
    const failed = await explainFor('list-tasks', [`'acme'`, `array['FAILED']`, ...nothing.slice(1), `'FAILED'`, '21']);
    expect(failed).toContain('tasks_failed_newest');
    const ofJob = await explainFor('list-tasks', [`'acme'`, 'null', 'null', uuids, ...nothing.slice(2), '21']);
    expect(ofJob).toContain('tasks_job');
    const all = await explainFor('list-tasks', [`'acme'`, 'null', 'null', ...nothing.slice(1), '21']);
    expect(all).toContain('tasks_namespace');
    expect(await explainFor('list-jobs', [`'acme'`, ...nothing, '21'])).toContain('jobs_namespace');
  });

  it.each([
    ['retry-tasks', [`'acme'`, uuids, texts, `'sue'`, 'null']],
    ['read-tasks', [uuids]],
    ['read-job-tasks', [uuids]],
    ['read-jobs', [uuids]],
    ['read-task-attempts', [uuids, '100']],
    ['update-tasks', [`'acme'`, uuids, '1', 'null', 'null', `'sue'`, 'null']],
    ['read-task-dependencies', [uuids]],
  ])('%s reads no table from end to end', async (name, values) => {
    expect(await explain(name, values)).not.toMatch(/Seq Scan on (items|tasks|jobs|task_attempts|events)/);
  });
});
