import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { findFreePort, requireFreePort } from '../../src/embedded/ports.ts';
import { removePostgresHome } from '../../src/embedded/postgres-home.ts';
import { uniqueDirectory } from '../support/servers.ts';
import type { RunningUp } from './running-up.ts';
import { listProcesses, readServers, readyLine, startUp } from './running-up.ts';

const home = uniqueDirectory('up');
const hasCurl = spawnSync('curl', ['--version']).status === 0;
/** For what takes a second where nothing else runs. */
const patience = 60_000;

let up: RunningUp | undefined;

afterAll(async () => {
  if (up !== undefined) {
    up.kill('SIGTERM');
    await up.ended;
  }
  await removePostgresHome(join(home, 'postgres'));
});

function noted(): Record<string, string> {
  return JSON.parse(readFileSync(join(home, 'development.json'), 'utf8')) as Record<string, string>;
}

/** Sends an operation as one of the example people. */
async function ask<Data>(person: string, query: string): Promise<Data> {
  const answer = await fetch(`http://127.0.0.1:${noted().PORT}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${readFileSync(join(home, 'tokens', person), 'utf8')}`,
    },
    body: JSON.stringify({ query }),
  });
  const { data, errors } = (await answer.json()) as { data: Data; errors?: unknown };
  expect(errors).toBeUndefined();
  return data;
}

interface Page {
  readonly cases: {
    readonly edges: readonly {
      readonly node: { readonly topic: string; readonly documents: readonly { readonly url: string }[] };
    }[];
  };
}

async function listCases(): Promise<Page['cases']['edges']> {
  return (
    await ask<Page>('olga', '{ cases(namespace: "acme", first: 100) { edges { node { topic documents { url } } } } }')
  ).cases.edges;
}

/** The commands that it printed for people to paste, as they stand there. */
function printedCommands(output: string): readonly string[] {
  return [...output.matchAll(/^ {4}(curl .*\\\n.*\\\n.*)$/gm)].map((match) => match[1]!);
}

async function startAndWait(environment: Readonly<Record<string, string>> = {}): Promise<RunningUp> {
  up = startUp(home, environment);
  await up.printed(readyLine);
  return up;
}

async function expectNothingLeft(servers: { readonly postgres: number; readonly nats: number }): Promise<void> {
  expect(listProcesses(home, servers)).toEqual([]);
  const { PORT, DATABASE_URLS, NATS_URL } = noted();
  for (const port of [PORT!, new URL(DATABASE_URLS!).port, new URL(NATS_URL!).port]) {
    await requireFreePort(Number(port), 'the test');
  }
}

test('the first start sets everything up, and what it prints works when it is pasted', {
  timeout: patience,
}, async () => {
  const { output } = await startAndWait();
  for (const name of ['PostgreSQL', 'NATS', 'Tables', 'Streams', 'Programs', 'Example data']) {
    expect(output()).toMatch(new RegExp(`^ {2}${name} .* \\d+\\.\\d s$`, 'm'));
  }
  const { PORT, AUTH_SECRET, DATABASE_URLS } = noted();
  expect(output()).toContain(`http://127.0.0.1:${PORT}/graphql`);
  expect(output()).not.toContain(AUTH_SECRET);
  expect(output()).not.toContain(new URL(DATABASE_URLS!).password);
  for (const person of ['alice', 'bob', 'carol', 'olga']) {
    expect(output()).toContain(readFileSync(join(home, 'tokens', person), 'utf8'));
  }
  if (process.platform !== 'win32') {
    for (const file of ['development.json', 'auth-secret', 'tokens/alice'])
      expect(statSync(join(home, file)).mode & 0o777).toBe(0o600);
  }
  const cases = await listCases();
  expect(cases).toHaveLength(40);
  expect(cases.filter(({ node }) => node.topic === 'kyc-fast')).toHaveLength(6);
  const document = await fetch(cases[0]!.node.documents[0]!.url);
  expect(document.status).toBe(200);
  expect((await document.arrayBuffer()).byteLength).toBe(Number(document.headers.get('content-length')));
  // Each case has its confirmation in the mailbox, and its documents are checked.
  expect(output()).toContain(join(home, 'mail'));
  const mails = () => readdirSync(join(home, 'mail')).filter((name) => name.endsWith('.eml'));
  await expect.poll(() => mails().length, { timeout: 20_000 }).toBe(40);
  const checked = `{ jobs(namespace: "acme", first: 100, filter: { status: [SUCCEEDED] }) { edges { node { kind } } } }`;
  await expect
    .poll(async () => (await ask<{ jobs: { edges: object[] } }>('olga', checked)).jobs.edges.length, {
      timeout: 20_000,
    })
    .toBe(40);
  for (const path of ['/', '/readyz', '/metrics']) {
    expect((await fetch(`http://127.0.0.1:${PORT}${path}`)).status).toBe(200);
  }
});

test.skipIf(!hasCurl)('the three things to try do what they say', { timeout: patience }, async () => {
  const [watch, register, claim] = printedCommands(up!.output());
  const watching = spawn('sh', ['-c', `exec ${watch}`], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    watching.stdout.setEncoding('utf8');
    // The stream begins with a sign of life; from then on nothing is missed.
    let seen = ((await once(watching.stdout, 'data')) as [string])[0];
    const run = (command: string): unknown => JSON.parse(spawnSync('sh', ['-c', command], { encoding: 'utf8' }).stdout);
    const registered = run(register!) as { data: { register: { __typename: string; case: { id: string } } } };
    expect(registered.data.register.__typename).toBe('CaseRegistered');
    const { id } = registered.data.register.case;
    expect(run(claim!)).toMatchObject({ data: { claimNextCase: { __typename: 'CaseClaimed', case: { id } } } });
    while (!seen.includes('"CLAIMED"')) seen += ((await once(watching.stdout, 'data')) as [string])[0];
    expect(seen).toMatch(new RegExp(`"REGISTERED".*"alice".*${id}[\\s\\S]*"CLAIMED".*"bob".*${id}`));
    // Pasted again, the claim gives the held case back.
    expect(run(claim!)).toMatchObject({ data: { claimNextCase: { __typename: 'ClaimLimitReached' } } });
  } finally {
    const ended = once(watching, 'exit');
    watching.kill();
    await ended;
  }
});

test('a second one in the same folder is told so', async () => {
  const second = startUp(home);
  expect(await second.ended).toBe(1);
  expect(second.errors()).toMatch(
    /^Caseload runs already in .*, as process \d+: http:\/\/127\.0\.0\.1:\d+\/graphql\..*\n$/,
  );
  expect(second.output()).toBe('');
});

test('a server that is killed is started again, and the work goes on', { timeout: patience }, async () => {
  const { postgres, nats } = readServers(home);
  process.kill(nats, 'SIGKILL');
  await up!.printed(/nats-server runs again/);
  process.kill(postgres, 'SIGKILL');
  await up!.printed(/PostgreSQL runs again/);
  await expect
    .poll(async () => (await fetch(`http://127.0.0.1:${noted().PORT}/readyz`)).status, { timeout: 20_000 })
    .toBe(200);
  // What the gateway says of its readiness may be a second old.
  await expect
    .poll(
      () =>
        listCases()
          .then((cases) => cases.length)
          .catch(() => 0),
      { timeout: 20_000 },
    )
    .toBeGreaterThanOrEqual(40);
});

test('Ctrl-C stops everything that it started', { timeout: patience }, async () => {
  const servers = readServers(home);
  expect(listProcesses(home, servers).length).toBeGreaterThan(2);
  up!.kill('SIGINT');
  expect(await up!.ended).toBe(0);
  expect(up!.output()).toMatch(/^Stopped\.$/m);
  await expectNothingLeft(servers);
});

test('the next start keeps the data and is soon ready; killed outright it leaves nothing in the way of another', {
  timeout: patience,
}, async () => {
  const before = hasCurl ? 41 : 40;
  const { output, kill, ended } = await startAndWait();
  const seconds = Number(readyLine.exec(output())![1]);
  console.info(`ready ${seconds} s after the second start`);
  // Five seconds are promised where nothing else runs.
  expect(seconds).toBeLessThan(20);
  expect(output()).toMatch(/^ {2}Example data +kept/m);
  expect(await listCases()).toHaveLength(before);
  kill('SIGKILL');
  expect(await ended).toBe('SIGKILL');
  const third = await startAndWait();
  expect(await listCases()).toHaveLength(before);
  const servers = readServers(home);
  third.kill('SIGTERM');
  expect(await third.ended).toBe(0);
  await expectNothingLeft(servers);
});

test('a busy port is said in one line, before anything is started', async () => {
  const other = createServer();
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const refused = startUp(home, { PORT: String(port) });
  expect(await refused.ended).toBe(1);
  expect(refused.errors()).toBe(
    `Port ${port} is used by another program: stop that one, or take another port: PORT=${port + 1} npm start\n`,
  );
  expect(refused.output()).toBe('');
  const database = startUp(home, { CASELOAD_POSTGRES_PORT: String(port) });
  expect(await database.ended).toBe(1);
  expect(database.errors()).toMatch(new RegExp(`^Port ${port} .*PostgreSQL.*\\n$`));
  other.close();
  await once(other, 'close');
  expect(listProcesses(home)).toEqual([]);
});

test('faults in the settings are said before anything is started', async () => {
  const faulty = startUp(home, { AUTH_SECRET: 'short', CASES_HELD_PER_PERSON: 'many' });
  expect(await faulty.ended).toBe(2);
  expect(faulty.errors()).toMatch(/AUTH_SECRET must have[\s\S]*CASES_HELD_PER_PERSON must be/);
  const port = startUp(home, { CASELOAD_NATS_PORT: 'x' });
  expect(await port.ended).toBe(2);
  expect(port.errors()).toBe("CASELOAD_NATS_PORT must be a port from 0 to 65535, not 'x'\n");
  const production = startUp(home, { NODE_ENV: 'production' });
  expect(await production.ended).toBe(2);
  expect(production.errors()).toMatch(/^caseload up is for development/);
});

test('when the programs cannot start, the servers are stopped again; Ctrl-C is heeded during the start too', {
  timeout: patience,
}, async () => {
  const folder = uniqueDirectory('blocked');
  mkdirSync(folder);
  writeFileSync(join(folder, 'file'), '');
  const failing = startUp(home, { BLOB_URL: `fs:${join(folder, 'file', 'documents')}` });
  expect(await failing.ended).toBe(1);
  expect(failing.errors()).toMatch(/blob folder could not/);
  expect(listProcesses(home)).toEqual([]);

  const interrupted = startUp(home, { PORT: String(await findFreePort()) });
  await interrupted.printed(/^Caseload starts/m);
  interrupted.kill('SIGINT');
  expect(await interrupted.ended).toBe(0);
  expect(interrupted.output()).toMatch(/^Stopped\.$/m);
  expect(interrupted.output()).not.toMatch(readyLine);
  expect(listProcesses(home)).toEqual([]);
});
