import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { issueToken } from '../../src/auth/tokens.ts';
import type { ProgramKind } from '../../src/load/child-program.ts';
import { GraphqlClient } from '../../src/load/graphql-client.ts';
import type { Told } from '../../src/load/history.ts';
import { driverClock } from '../../src/load/history.ts';
import { readLedger } from '../../src/load/ledger.ts';
import { announceSeed, limitTime, size } from '../support/long-form.ts';
import { Players } from '../support/players.ts';
import type { SpawnedProgram } from '../support/system.ts';
import { TestSystem } from '../support/system.ts';
import { waitUntil } from '../support/wait-until.ts';
import { SocketWatcher } from './socket-watcher.ts';

limitTime();

/**
 * Two of every program, replaced one after the other while people register and decide, watch, and tasks run: no request
 * fails, no update is missed or doubled, no task runs twice.
 */

const seed = announceSeed('rolling restart');
const namespace = 'rolling';
const stopMsMax = 10_000;
let system: TestSystem;

beforeAll(async () => {
  system = await TestSystem.start();
});
afterAll(async () => {
  await system.close();
});

/** A request that got neither a result nor an orderly refusal. */
function failed({ outcome, answer }: Told): boolean {
  return outcome === 'unknown' && answer !== 'UNAVAILABLE';
}

/** Takes the calls of webhook tasks, each after a moment, and counts them by their task. */
async function startReceiver() {
  const calls = new Map<string, number>();
  const server = createServer((request, response) => {
    const task = String(request.headers['idempotency-key']);
    calls.set(task, (calls.get(task) ?? 0) + 1);
    request.resume();
    setTimeout(() => response.end('thanks'), 100);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  return { calls, url, close: () => server.close() };
}

const createJob = `mutation ($input: CreateJobInput!) {
  createJob(input: $input) { __typename ... on JobCreated { job { tasks { id } } } }
}`;

/** Creates jobs of one webhook task, again and again until told to end; a refusal is asked again, at the next gateway. */
async function produce(urls: readonly string[], hook: string, signal: AbortSignal) {
  const token = await issueToken({
    subject: 'producer-1',
    namespace,
    roles: ['producer'],
    secret: system.authSecret,
    expiresInSeconds: 3_600,
  });
  const http = new GraphqlClient(10);
  const tasks: string[] = [];
  const failures: unknown[] = [];
  for (let n = 0, turn = 0; !signal.aborted; turn++) {
    const input = {
      namespace,
      kind: 'order',
      idempotencyKey: `job-${n}`,
      tasks: [{ kind: 'webhook', payload: { url: hook } }],
    };
    const url = urls[turn % urls.length]!;
    const reply = await http.send({ query: createJob, variables: { input } }, { url, token, timeoutMs: 10_000 });
    if (reply.kind === 'data') {
      const { job } = reply.data.createJob as { readonly job: { readonly tasks: readonly { readonly id: string }[] } };
      tasks.push(...job.tasks.map(({ id }) => id));
      n += 1;
    } else if (reply.kind === 'fault' ? reply.code !== 'UNAVAILABLE' : reply.sent) failures.push(reply);
  }
  http.close();
  return { tasks, failures };
}

/** People register and decide until told to end, and then decide what is left. */
async function work(players: Players, signal: AbortSignal): Promise<number> {
  let registered = 0;
  let decided = 0;
  const applicants = [1, 2].map(async (n) => {
    const applicant = await players.join(`applicant-${n}`, 'applicant', n);
    while (!signal.aborted) {
      await applicant.register();
      registered += 1;
    }
  });
  const auditors = [1, 2, 3, 4].map(async (n) => {
    const auditor = await players.join(`auditor-${n}`, 'auditor', n);
    while (!signal.aborted || decided < registered) {
      const held = await auditor.claim(60, 500);
      if (held === undefined) continue;
      await auditor.decide(held);
      decided += 1;
    }
  });
  await Promise.all([...applicants, ...auditors]);
  return decided;
}

it('every program is replaced under load, and nobody notices', async () => {
  const receiver = await startReceiver();
  const spawn = (kind: ProgramKind): Promise<SpawnedProgram[]> =>
    Promise.all([1, 2].map((n) => system.spawn(kind, `${kind} ${n}`)));
  const [gateways, schedulers, workers] = await Promise.all([spawn('gateway'), spawn('scheduler'), spawn('worker')]);
  const target = system.target(...gateways);
  const players = new Players(target, namespace, seed);
  const token = (await players.join('supervisor-1', 'supervisor')).token;
  const watchers = [target.urls, target.urls.toReversed()].map((urls) => new SocketWatcher(urls, token, namespace));
  const enough = new AbortController();
  const working = work(players, enough.signal);
  const producing = produce(target.urls, receiver.url, enough.signal);

  const durations: number[] = [];
  const replace = async ({ program }: SpawnedProgram): Promise<void> => {
    const startedMs = driverClock();
    await program.stop();
    durations.push(driverClock() - startedMs);
    await program.start();
  };
  for (let step = 0; step < size(2, 20); step++) {
    const requests = players.recorder.told.length;
    await waitUntil('they are at work', () => players.recorder.told.length > requests + 50);
    await Promise.all([gateways, schedulers, workers].map((pair) => replace(pair[step % 2]!)));
  }
  enough.abort();
  const decided = await working;
  const { tasks, failures } = await producing;

  expect(decided).toBeGreaterThan(50);
  expect(players.recorder.told.filter(failed)).toEqual([]);
  expect((await players.judge()).violations).toEqual([]);
  expect(durations.filter((milliseconds) => milliseconds > stopMsMax)).toEqual([]);
  players.close();

  const { events } = await readLedger(target.databaseUrls, namespace);
  const places = events.map(({ position, sequence }) => `${position}.${sequence}`).sort();
  for (const watcher of watchers) {
    await waitUntil('the watcher has seen everything', () => watcher.places.length >= places.length);
    await watcher.stop();
    expect(watcher.places.toSorted()).toEqual(places);
    // Told to come back, and not cut off; 1006 is a gateway that has gone already.
    expect(watcher.ends).toContain(1001);
    expect(watcher.ends.filter((code) => ![1000, 1001, 1006].includes(code))).toEqual([]);
  }

  expect(failures).toEqual([]);
  expect(tasks.length).toBeGreaterThan(10);
  await waitUntil('every task has run', () => tasks.every((task) => receiver.calls.has(task)));
  expect([...receiver.calls.values()].filter((count) => count !== 1)).toEqual([]);
  expect(receiver.calls.size).toBe(tasks.length);
  receiver.close();
  await Promise.all([...gateways, ...schedulers, ...workers].map(({ program }) => program.stop()));
});
