import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'nats';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Check } from '../../src/cli/doctor/check.ts';
import { checkVersion } from '../../src/cli/doctor/check-nats.ts';
import { checkNode } from '../../src/cli/doctor/check-node.ts';
import { examine } from '../../src/cli/doctor/examine.ts';
import type { RunningPrograms } from '../../src/cli/up/programs.ts';
import { startPrograms } from '../../src/cli/up/programs.ts';
import { provisionStreams } from '../../src/cli/up/provision-streams.ts';
import type { Config } from '../../src/config.ts';
import { migrations } from '../../src/postgres/migrations/migrations.ts';
import { createDatabase, uniqueDirectory } from '../support/servers.ts';
import type { PreparedSystem } from './prepared-system.ts';
import { prepareSystem, quietLog } from './prepared-system.ts';
import { runCli } from './run-cli.ts';

let system: PreparedSystem;
let programs: RunningPrograms;

beforeAll(async () => {
  system = await prepareSystem();
  programs = await startPrograms(system.config, quietLog);
});

afterAll(async () => {
  await programs.stop();
  await system.stop();
});

/** What is not in order with a changed configuration, by name. */
async function findTroubles(changes: Partial<Config> = {}): Promise<Record<string, Check>> {
  const checks = await examine({ ...system.config, ...changes });
  return Object.fromEntries(checks.filter(({ state }) => state !== 'ok').map((check) => [check.name, check]));
}

test('a system in order is healthy, in text and in JSON', async () => {
  const [text, json] = await Promise.all([
    runCli(['doctor'], system.environment),
    runCli(['doctor', '--json'], system.environment),
  ]);
  expect(text).toMatchObject({ code: 0, stderr: '' });
  expect(text.stdout).toContain('Caseload has what it needs.');
  const report = JSON.parse(json.stdout) as { healthy: boolean; checks: Check[] };
  expect(report.healthy).toBe(true);
  expect(report.checks.map(({ name, state }) => [name, state])).toEqual(
    [
      'Node.js',
      'configuration',
      'PostgreSQL, shard 0',
      'primary',
      'durability',
      'connections',
      'transactions',
      'clocks',
      'migrations',
      'NATS',
      'JetStream',
      'streams',
      'consumers',
      'documents',
      'mail',
      'gateway',
    ].map((name) => [name, 'ok']),
  );
  const password = new URL(system.config.databaseUrls[0]!).password;
  expect(text.stdout + json.stdout).not.toContain(password);
});

test('what is away is wrong and what cannot be looked at is unknown; the gateway is only missed', async () => {
  const { code, stdout } = await runCli(['doctor'], {
    ...system.environment,
    DATABASE_URLS: 'postgres://caseload:hidden@127.0.0.1:1/caseload',
    NATS_URL: 'nats://127.0.0.1:1',
    PORT: '1',
  });
  expect(code).toBe(1);
  expect(stdout).toMatch(
    /^WRONG +PostgreSQL, shard 0 +postgres:\/\/caseload@127.0.0.1:1\/caseload cannot be used: .*ECONNREFUSED.*\n +→ npm start/m,
  );
  expect(stdout).toMatch(/^WRONG +NATS +nats:\/\/127.0.0.1:1 cannot be reached/m);
  expect(stdout).toMatch(/^unknown +migrations/m);
  expect(stdout).toMatch(/^warning +gateway/m);
  expect(stdout).not.toContain('hidden');
});

test('without any configuration it says what is needed', async () => {
  const { code, stdout } = await runCli(['doctor'], { CASELOAD_HOME: uniqueDirectory('home') });
  expect(code).toBe(1);
  expect(stdout).toMatch(/^WRONG +configuration[\s\S]*DATABASE_URLS is needed[\s\S]*→ npm start/m);
});

test('a database that was not migrated, and one that may lose what it confirmed', async () => {
  const empty = await createDatabase();
  expect(await findTroubles({ databaseUrls: [empty.url] })).toEqual({
    migrations: {
      name: 'migrations',
      state: 'wrong',
      found: `not applied: ${migrations.map(({ name }) => name).join(', ')}`,
      remedy: 'npx caseload migrate',
    },
  });
  const pool = await programs.foundation.shard.pool();
  await pool.query(`alter database "${empty.name}" set synchronous_commit = off`);
  expect(await findTroubles({ databaseUrls: [empty.url] })).toMatchObject({
    durability: { state: 'wrong', remedy: expect.stringContaining('synchronous_commit = on') },
  });
  await empty.drop();
});

test('streams that differ from their files, and a consumer near the limit of what it hands out', async () => {
  const { consumers } = programs.foundation;
  await consumers.ensure({ system: 'cases', namespace: 'acme', topic: 'narrow' });
  const connection = await connect({ servers: system.config.natsUrl });
  const change = async (request: string, body: unknown): Promise<void> => {
    const answer = (await connection.request(`$JS.API.${request}`, JSON.stringify(body))).json<{ error?: unknown }>();
    expect(answer.error).toBeUndefined();
  };
  const info = (await connection.request('$JS.API.CONSUMER.INFO.CASES.acme_narrow')).json<{ config: object }>();
  await change('CONSUMER.CREATE.CASES.acme_narrow.cases.acme.narrow', {
    stream_name: 'CASES',
    config: { ...info.config, max_ack_pending: 5 },
  });
  for (let index = 0; index < 4; index += 1) connection.publish('cases.acme.narrow');
  await connection.flush();
  const inbox = connection.subscribe('pulled', { max: 4 });
  connection.publish('$JS.API.CONSUMER.MSG.NEXT.CASES.acme_narrow', '{"batch":4,"expires":5000000000}', {
    reply: 'pulled',
  });
  for await (const _message of inbox); // four tickets are handed out and none is acknowledged
  expect(await findTroubles()).toMatchObject({
    streams: { state: 'wrong', found: expect.stringContaining('max_ack_pending'), remedy: 'npx caseload provision' },
    consumers: { state: 'wrong', found: expect.stringContaining('CASES/acme_narrow: 4 of 5') },
  });
  await connection.close();
  await provisionStreams(system.config);
  expect(await findTroubles()).toEqual({});
});

test('a store for documents that cannot be written to', async () => {
  const folder = uniqueDirectory('blocked');
  mkdirSync(folder);
  const file = join(folder, 'file');
  writeFileSync(file, '');
  expect(await findTroubles({ blobUrl: `fs:${file}/documents` })).toEqual({
    documents: expect.objectContaining({ state: 'wrong', remedy: expect.stringContaining('set BLOB_URL') }),
  });
});

test('versions that are too old', () => {
  expect(checkNode('20.19.0')).toMatchObject({ state: 'wrong' });
  expect(checkNode('24.0.0')).toMatchObject({ state: 'ok' });
  expect(checkVersion('2.11.9', 'nats://x').state).toBe('wrong');
  expect(checkVersion('2.12.4', 'nats://x').state).toBe('warning');
  expect(checkVersion('2.12.5', 'nats://x').state).toBe('ok');
  expect(checkVersion('2.14.0-preview.1', 'nats://x').state).toBe('ok');
  expect(checkVersion('dev', 'nats://x').state).toBe('warning');
});
