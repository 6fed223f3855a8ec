import { spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, inject, test } from 'vitest';
import { uniqueDirectory } from '../support/servers.ts';

const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function runCommand(args: readonly string[], home: string): Promise<Ended> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', cli, ...args], {
    env: { PATH: process.env.PATH, CASELOAD_HOME: home, NATS_SERVER: inject('natsServer') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      output[name] += chunk;
    });
  }
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, ...output })));
}

test('caseload load --kill works cases on processes that are killed meanwhile, finds all well and leaves nothing', async () => {
  const home = uniqueDirectory('load-home');
  const history = `${home}.ndjson`;
  const args = [
    'load',
    '--cases',
    '150',
    '--auditors',
    '8',
    '--kill',
    '--kills',
    '2',
    '--seed',
    '11',
    '--history',
    history,
  ];
  const { code, stdout, stderr } = await runCommand(args, home);
  expect(stdout, stderr).toMatch(/^registered +150$/m);
  expect(stdout).toMatch(/^decided +150$/m);
  for (const line of ['lost', 'decided twice', 'held by two at once', 'other contradictions']) {
    expect(stdout).toMatch(new RegExp(`^${line} +0$`, 'm'));
  }
  expect(stdout).toMatch(/^killed: gateway +1$/m);
  expect(stdout).toMatch(/^killed: scheduler +1$/m);
  expect(stdout).toMatch(/^register +\d+ +[\d.]+ +[\d.]+$/m);
  expect(stderr).toMatch(/^seed 11$/m);
  expect(code).toBe(0);
  expect(await readdir(home)).toEqual([]);
  const first = (await readFile(history, 'utf8')).split('\n', 1)[0]!;
  expect(JSON.parse(first)).toMatchObject({ kind: 'told', outcome: expect.any(String) });
}, 90_000);

test('caseload load without a system to talk to says what is missing', async () => {
  const { code, stderr } = await runCommand(['load'], join(uniqueDirectory('load-home'), 'empty'));
  expect(stderr).toMatch(/DATABASE_URLS is needed/);
  expect(code).toBe(2);
});
