import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createAuthenticator } from '../../src/auth/tokens.ts';
import { uniqueDirectory } from '../support/servers.ts';
import { runCli } from './run-cli.ts';

const secret = 'a secret that only the tests know about';

function check(token: string, authSecret: string) {
  const authenticate = createAuthenticator({
    authSecret,
    authJwksUrl: undefined,
    authIssuer: undefined,
    authAudience: undefined,
  });
  return authenticate(`Bearer ${token}`);
}

const forAlice = ['token', '--user', 'alice', '--roles', 'auditor,supervisor', '--namespace', 'acme'];

test('it prints a token and nothing else, signed with the secret of the environment', async () => {
  const { code, stdout, stderr } = await runCli(forAlice, {
    CASELOAD_HOME: uniqueDirectory('home'),
    AUTH_SECRET: secret,
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  expect(await check(stdout.trim(), secret)).toMatchObject({
    subject: 'alice',
    namespace: 'acme',
    roles: new Set(['auditor', 'supervisor']),
  });
});

test('without a secret it makes one, for its owner only, and keeps it', async () => {
  const home = uniqueDirectory('home');
  const [first, second] = await Promise.all([
    runCli(forAlice, { CASELOAD_HOME: home }),
    runCli(forAlice, { CASELOAD_HOME: home }),
  ]);
  const file = join(home, 'auth-secret');
  const made = readFileSync(file, 'utf8').trim();
  if (process.platform !== 'win32') expect(statSync(file).mode & 0o777).toBe(0o600);
  for (const { stdout } of [first, second])
    expect(await check(stdout.trim(), made)).toMatchObject({ subject: 'alice' });
});

test('an unknown role, a bad namespace and a bad time are refused with what is allowed', async () => {
  const environment = { CASELOAD_HOME: uniqueDirectory('home') };
  const withOption = (...option: string[]) => runCli([...forAlice, ...option], environment);
  const [role, namespace, time] = await Promise.all([
    withOption('--roles', 'king'),
    withOption('--namespace', 'Acme!'),
    withOption('--expires', '0'),
  ]);
  expect(role.stderr).toContain("'king' is none of applicant, auditor");
  expect(namespace.stderr).toContain('1 to 63 of a-z');
  expect(time.stderr).toContain('a number of seconds');
  for (const { code, stdout } of [role, namespace, time]) expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
});
