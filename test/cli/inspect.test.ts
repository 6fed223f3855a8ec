import { afterAll, beforeAll, expect, test } from 'vitest';
import { registerExamples } from '../../src/cli/seed/register-examples.ts';
import type { RunningPrograms } from '../../src/cli/up/programs.ts';
import { startPrograms } from '../../src/cli/up/programs.ts';
import type { Role } from '../../src/domain/actor.ts';
import type { PreparedSystem } from './prepared-system.ts';
import { prepareSystem, quietLog } from './prepared-system.ts';
import { runCli } from './run-cli.ts';

let system: PreparedSystem;
let programs: RunningPrograms;

beforeAll(async () => {
  system = await prepareSystem();
  programs = await startPrograms(system.config, quietLog);
  await registerExamples(programs.foundation);
});

afterAll(async () => {
  await programs.stop();
  await system.stop();
});

function actor(subject: string, role: Role) {
  return { subject, namespace: 'acme', roles: new Set([role]), expiresAtSeconds: undefined };
}

/** Claims the best case, with its ticket when NATS is quick enough to have one, which a wait makes sure of. */
async function claim(subject: string) {
  const result = await programs.foundation.services.claimNextCase(
    actor(subject, 'auditor'),
    { namespace: 'acme', topics: ['cases'], waitMs: 5_000 },
    new AbortController().signal,
  );
  if (result.kind !== 'claimed') throw new Error(`Nothing was claimed: ${result.kind}`);
  return result.held;
}

test('a held case is shown with its row, lease, ticket, documents and events, but without the lease’s token', async () => {
  const held = await claim('bob');
  const id = held.case.id;
  const [text, json] = await Promise.all([
    runCli(['inspect', 'case', id], system.environment),
    runCli(['inspect', 'case', id, '--json'], system.environment),
  ]);
  expect(text).toMatchObject({ code: 0, stderr: '' });
  expect(text.stdout).toMatch(/^status +CLAIMED$/m);
  expect(text.stdout).toMatch(/^applicant +Colgate-Palmolive <onboarding@cl\.example>$/m);
  expect(text.stdout).toMatch(/^row +leased, priority 100, claimed 1 times, .* not offered to alice$/m);
  expect(text.stdout).toMatch(/^lease +bob, from .* alive$/m);
  expect(text.stdout).toMatch(
    /^ticket +CASES sequence \d+, consumer acme_cases, delivered 1 times, in the stream since .*; the topic has 34 tickets, 1 of them handed out$/m,
  );
  expect(text.stdout).toMatch(/REGISTERED +alice$/m);
  expect(text.stdout).toMatch(/CLAIMED +bob, attempt 1, lease until/m);
  expect(text.stdout).toMatch(/register-extract: [\w-]+\.pdf, application\/pdf, \d+ bytes/);
  expect(text.stdout + json.stdout).not.toContain(held.lease!.token);
  expect(JSON.parse(json.stdout)).toMatchObject({
    case: { id, registrant: 'alice' },
    status: 'CLAIMED',
    item: { state: 'leased', attempt: 1, lease: { holder: 'bob', alive: true } },
    tickets: { ofLease: { stream: 'CASES', inStream: true, subject: 'cases.acme.cases' } },
    events: [{ type: 'REGISTERED' }, { type: 'CLAIMED' }],
    moreEvents: false,
  });
});

test('a decided case has left the queue, and its ticket the stream', async () => {
  const { lease } = await claim('carol');
  const decided = await programs.foundation.services.decide(actor('carol', 'auditor'), {
    caseId: lease!.itemId,
    leaseToken: lease!.token,
    verdict: 'REJECT',
    reason: 'the extract is too old',
  });
  expect(decided.kind).toBe('decided');
  const { code, stdout } = await runCli(['inspect', 'case', lease!.itemId.toUpperCase()], system.environment);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^status +REJECTED$/m);
  expect(stdout).toMatch(/^decision +REJECT by carol, .*\n {2}reason +the extract is too old$/m);
  expect(stdout).toMatch(/^row +none: the case is decided/m);
  expect(stdout).toMatch(/^ticket +none is needed; the topic has 33 tickets/m);
});

test('with NATS away the rest is shown', async () => {
  const [edge] = (
    await programs.foundation.services.listCases(actor('olga', 'operator'), {
      namespace: 'acme',
      filter: { status: ['PENDING'] },
      orderBy: 'PRIORITY',
      first: 1,
    })
  ).edges;
  const away = { ...system.environment, NATS_URL: 'nats://127.0.0.1:1' };
  const { code, stdout } = await runCli(['inspect', 'case', edge!.node.case.id], away);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^status +PENDING$/m);
  expect(stdout).toMatch(/^lease +none$/m);
  expect(stdout).toMatch(/^ticket +unknown: NATS cannot be asked$/m);
});

test('what does not exist is said, with exit code 1', async () => {
  const inspect = (id: string, more = {}) => runCli(['inspect', 'case', id], { ...system.environment, ...more });
  const unknown = '01a1fb2a-612e-7000-8000-000000000000';
  const [missing, foreign, malformed, unreachable] = await Promise.all([
    inspect(unknown),
    inspect(unknown.replace('-7000-', '-7003-')),
    inspect('17'),
    inspect(unknown, { DATABASE_URLS: 'postgres://caseload:hidden@127.0.0.1:1/caseload' }),
  ]);
  for (const { code, stdout } of [missing, foreign, malformed, unreachable])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(missing.stderr).toBe(`There is no case ${unknown}\n`);
  expect(foreign.stderr).toContain('names shard 3, but DATABASE_URLS has 1');
  expect(malformed.stderr).toBe('id: is not an id of this service\n');
  expect(unreachable.stderr).toContain('npx caseload doctor says what is wrong');
  expect(unreachable.stderr).not.toContain('hidden');
});
