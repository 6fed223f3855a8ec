import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadStatement } from '../../src/postgres/sql.ts';
import type { TestEngine } from '../support/engine.ts';
import { actor, startEngine } from '../support/engine.ts';
import { digestOf, saveProvider, submit, supervisor } from './digest-engine.ts';

// No worker and no scheduler runs: each step is taken by hand.
let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());

const services = () => engine.foundation.services;

async function run<Row extends object>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
  const pool = await engine.foundation.shard.pool();
  return (await pool.query<Row>(sql, [...values])).rows;
}

/** Ends the window of a digest and tries to seal it. */
async function seal(digestId: string): Promise<string> {
  await run(`update digests set window_end = clock_timestamp() where id = $1`, [digestId]);
  const [row] = await run<{ outcome: string }>(`select outcome from seal_digest($1, 'acme')`, [digestId]);
  return row!.outcome;
}

const countSeals = async (digestId: string): Promise<number> =>
  (
    await run(`select from tasks t join digests d on d.job_id = t.job_id where t.kind = 'digest-seal' and d.id = $1`, [
      digestId,
    ])
  ).length;

it('an answer to a request of somebody else writes nothing there', async () => {
  const producer = { ...actor('uma', 'producer'), namespace: 'beta' };
  await services().upsertProvider(producer, {
    namespace: 'beta',
    externalId: 'theirs',
    email: 'theirs@example.com',
    timeZone: 'UTC',
    window: { every: 'P7D' },
  });
  const submitted = await services().submitRequest(producer, {
    namespace: 'beta',
    customer: { externalId: 'c-1', email: 'c-1@example.com' },
    providerExternalId: 'theirs',
    item: { externalId: 'i' },
  });
  if (submitted.kind !== 'submitted') throw new Error(submitted.kind);
  await saveProvider(engine.foundation, 'prying');
  await saveProvider(engine.foundation, 'honest');
  const { id } = await submit(engine.foundation, 'honest');
  const before = await run(`select id, state from digests order by id`);
  const answers = await services().respondToRequests(actor('prying', 'provider'), {
    namespace: 'acme',
    responses: [submitted.request.id, id].map((requestId) => ({ requestId, outcome: 'AVAILABLE' as const })),
  });
  expect(answers.map(({ kind }) => kind)).toEqual(['requestUnknown', 'requestUnknown']);
  expect(await run(`select id, state from digests order by id`)).toEqual(before);
});

it('a digest of which one part cannot be sent fails when the others are sent, and is sent when that one is', async () => {
  await saveProvider(engine.foundation, 'parts', { itemsPerMail: 1 });
  const first = await submit(engine.foundation, 'parts');
  await submit(engine.foundation, 'parts');
  const { id } = await digestOf(engine.foundation, first.id);
  expect(await seal(id)).toBe('sealed');
  const begin = (part: number) => run(loadStatement('begin-digest-mail').text, [id, 'acme', part, 1]);
  await begin(1);
  await run(`select fail_digest($1, 1, 1, 'refused', false)`, [id]);
  expect(await begin(2)).toHaveLength(1);
  await run(`select mark_digest_sent($1, 2, 1, '<2@example.com>')`, [id]);
  expect(await services().digestStore.getDigest(id)).toMatchObject({ status: 'FAILED', failure: 'refused' });
  await run(`select mark_digest_sent($1, 1, 1, '<1@example.com>')`, [id]);
  expect(await services().digestStore.getDigest(id)).toMatchObject({ status: 'SENT', failure: null });
});

it('a pause that is given an end lets what it held go then', async () => {
  const { id: providerId } = await saveProvider(engine.foundation, 'paused');
  const request = await submit(engine.foundation, 'paused');
  const { id } = await digestOf(engine.foundation, request.id);
  await services().pauseDigests(supervisor, { providerId, reason: 'away' });
  expect(await seal(id)).toBe('held');
  const before = await countSeals(id);
  await services().pauseDigests(supervisor, { providerId, until: new Date(Date.now() + 60_000), reason: 'back soon' });
  expect(await countSeals(id)).toBe(before + 1);
});

it('a request that is refused for its key leaves the customer alone; a new address ends a bounce', async () => {
  const customer = { externalId: 'moved', email: 'old@example.com' };
  const read = () => run(`select email, bounced_at, bounce_reason from recipients where external_id = 'moved'`);
  const bounced = (at: unknown) => ({ bounced_at: at, bounce_reason: at === null ? null : 'refused' });
  await saveProvider(engine.foundation, 'mover');
  await submit(engine.foundation, 'mover', { idempotencyKey: 'k', customer });
  const changed = { ...customer, email: 'new@example.com' };
  await expect(submit(engine.foundation, 'mover', { idempotencyKey: 'k', customer: changed })).rejects.toThrow(
    'idempotencyConflict',
  );
  const stranger = { externalId: 'stranger', email: 'stranger@example.com' };
  await expect(submit(engine.foundation, 'mover', { idempotencyKey: 'k', customer: stranger })).rejects.toThrow(
    'idempotencyConflict',
  );
  expect(await run(`select from recipients where external_id = 'stranger'`)).toEqual([]);
  expect(await read()).toEqual([{ email: 'old@example.com', ...bounced(null) }]);
  await run(`update recipients set bounced_at = now(), bounce_reason = 'refused' where external_id = 'moved'`);
  await submit(engine.foundation, 'mover', { customer: { ...customer, name: 'Mo' } });
  expect(await read()).toEqual([{ email: 'old@example.com', ...bounced(expect.any(String)) }]);
  await submit(engine.foundation, 'mover', { customer: changed });
  expect(await read()).toEqual([{ email: 'new@example.com', ...bounced(null) }]);
});
