import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readExampleDocument } from '../../src/cli/seed/example-cases.ts';
import { registerExamples } from '../../src/cli/seed/register-examples.ts';
import type { Foundation } from '../../src/compose.ts';
import { compose } from '../../src/compose.ts';
import type { PreparedSystem } from './prepared-system.ts';
import { prepareSystem, quietLog } from './prepared-system.ts';
import { runCli } from './run-cli.ts';

let system: PreparedSystem;
let foundation: Foundation;

beforeAll(async () => {
  system = await prepareSystem();
  foundation = await compose(system.config, quietLog, 'test');
});

afterAll(async () => {
  await foundation.close();
  await system.stop();
});

async function query<Row>(text: string): Promise<Row[]> {
  return (await (await foundation.shard.pool()).query(text)).rows as Row[];
}

async function countCases(): Promise<number> {
  const [row] = await query<{ count: number }>('select count(*)::integer as count from cases');
  return row!.count;
}

test('a run that was cut off is finished by the next one', async () => {
  const cutOff = new AbortController();
  const { register } = foundation.services;
  let registered = 0;
  const counting: Foundation = {
    ...foundation,
    services: {
      ...foundation.services,
      register: async (...args) => {
        const result = await register(...args);
        registered += 1;
        if (registered === 5) cutOff.abort(new Error('cut off'));
        return result;
      },
    },
  };
  await expect(registerExamples(counting, cutOff.signal)).rejects.toThrow('cut off');
  const before = await countCases();
  expect(before).toBeGreaterThanOrEqual(5);
  expect(before).toBeLessThan(40);
  expect(await registerExamples(foundation)).toMatchObject({ registered: 40 - before, kept: before });
  expect(await countCases()).toBe(40);
});

test('again it registers nothing, also when the idempotency keys are gone', async () => {
  await query('delete from idempotency_keys');
  expect(await registerExamples(foundation)).toEqual({ registered: 0, documents: 0, kept: 40 });
  expect(await countCases()).toBe(40);
});

test('the cases are ready to be claimed in their order, and their documents are stored whole', async () => {
  const auditor = {
    subject: 'bob',
    namespace: 'acme',
    roles: new Set(['auditor'] as const),
    expiresAtSeconds: undefined,
  };
  const result = await foundation.services.claimNextCase(
    auditor,
    { namespace: 'acme', topics: ['kyc-fast'], waitMs: 0 },
    new AbortController().signal,
  );
  expect(result).toMatchObject({ kind: 'claimed', held: { case: { applicant: { name: 'Merck & Co.' } } } });
  const rows = await query<{ state: string; file_name: string; blob_key: string }>(
    "select state, file_name, blob_key from documents where state <> 'AWAITING'",
  );
  expect(rows.length).toBeGreaterThanOrEqual(60);
  const { file_name: fileName, blob_key: blobKey } = rows[0]!;
  expect((await buffer((await foundation.blobs.get(blobKey))!)).equals(readExampleDocument(fileName))).toBe(true);
});

test('two runs at once do not double', async () => {
  await query('truncate items, cases, events, documents, idempotency_keys');
  const reports = await Promise.all([registerExamples(foundation), registerExamples(foundation)]);
  expect(reports.reduce((sum, { registered }) => sum + registered, 0)).toBe(40);
  expect(await countCases()).toBe(40);
});

test('the command says what it did', async () => {
  await query("delete from cases where applicant_details ->> 'ticker' in ('AMZN', 'GE')");
  await query('delete from idempotency_keys');
  const { code, stdout, stderr } = await runCli(['seed'], system.environment);
  expect({ code, stdout, stderr }).toEqual({
    code: 0,
    stdout: expect.stringMatching(/^registered 2 cases with [234] documents; 38 were there already\n$/),
    stderr: '',
  });
  const unreachable = { ...system.environment, DATABASE_URLS: 'postgres://caseload:hidden@127.0.0.1:1/caseload' };
  const failed = await runCli(['seed'], unreachable);
  expect(failed).toMatchObject({
    code: 1,
    stderr: 'PostgreSQL cannot be reached at postgres://caseload@127.0.0.1:1/caseload\n',
  });
});
