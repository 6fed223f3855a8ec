import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EmbeddedPostgres } from '../../src/embedded/postgres.ts';
import { startEmbeddedPostgres } from '../../src/embedded/postgres.ts';
import { removePostgresHome } from '../../src/embedded/postgres-home.ts';
import type { Operation, Reply } from '../../src/load/graphql-client.ts';
import { GraphqlClient } from '../../src/load/graphql-client.ts';
import { driverClock } from '../../src/load/history.ts';
import type { HeldLease } from '../../src/load/operations.ts';
import {
  claimOperation,
  decideOperation,
  extendOperation,
  registerOperation,
  releaseOperation,
} from '../../src/load/operations.ts';
import { runLoad } from '../../src/load/run-load.ts';
import { ProgressGate, planLoad } from '../support/load-plan.ts';
import { announceSeed, limitTime, size } from '../support/long-form.ts';
import { Players } from '../support/players.ts';
import { uniqueDirectory } from '../support/servers.ts';
import type { RunningProgram } from '../support/system.ts';
import { log, TestSystem } from '../support/system.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

limitTime();

/** PostgreSQL down: a clear answer within two seconds, nothing burnt, and recovery without anybody's help. */

const seed = announceSeed('postgres outage');
const answerMsMax = 2_000;
const directory = uniqueDirectory('postgres');
let postgres: EmbeddedPostgres;
let system: TestSystem;
let gateways: readonly RunningProgram[];

beforeAll(async () => {
  postgres = await startEmbeddedPostgres({ directory, port: 0, log });
  system = await TestSystem.start(await postgres.ensureDatabase('caseload'));
  gateways = await Promise.all([system.runGateway(), system.runGateway()]);
  await system.runScheduler();
});
afterAll(async () => {
  await system.close();
  await postgres.stop();
  await removePostgresHome(directory);
});

async function restartPostgres(): Promise<void> {
  postgres = await startEmbeddedPostgres({ directory, port: postgres.port, log });
}

interface Answer {
  readonly name: string;
  readonly reply: Reply;
  readonly milliseconds: number;
}

/** Sends each once, many times over, and measures. */
async function askAll(
  url: string,
  operations: Readonly<Record<string, Operation>>,
  token: string,
  times: number,
): Promise<Answer[]> {
  const http = new GraphqlClient(200);
  const answers = await Promise.all(
    Object.entries(operations).flatMap(([name, operation]) =>
      Array.from({ length: times }, async (): Promise<Answer> => {
        const startedMs = driverClock();
        const reply = await http.send(operation, { url, token, timeoutMs: 30_000 });
        return { name, reply, milliseconds: driverClock() - startedMs };
      }),
    ),
  );
  http.close();
  return answers;
}

describe('PostgreSQL', () => {
  test('stopped: every request is told so within two seconds, nothing is acknowledged, all goes on afterwards', async () => {
    const namespace = 'stopped';
    const players = new Players(system.target(...gateways), namespace, seed);
    const applicant = await players.join('applicant-1', 'applicant');
    const auditors = await Promise.all([1, 2, 3].map((n) => players.join(`auditor-${n}`, 'auditor', n)));
    const supervisor = await players.join('supervisor-1', 'supervisor');
    await Promise.all(Array.from({ length: 10 }, () => applicant.register()));
    const held = await Promise.all(auditors.map((auditor) => auditor.claim(600, 10_000)));
    const ticketsBefore = await countTickets(namespace);
    await postgres.stop();
    const answers = await askAll(
      gateways[0]!.url,
      describeEverything(namespace, held[0]!),
      supervisor.token,
      size(5, 50),
    );
    expect(answers.filter(({ reply }) => reply.kind !== 'fault' || reply.code !== 'UNAVAILABLE')).toEqual([]);
    expect(answers.filter(({ reply }) => reply.kind === 'fault' && !(Number(reply.retryAfterMs) > 0))).toEqual([]);
    expect(answers.filter(({ milliseconds }) => milliseconds > answerMsMax)).toEqual([]);
    expect(await countTickets(namespace)).toBe(ticketsBefore);
    await restartPostgres();
    const decided = await Promise.all(auditors.map((auditor, n) => auditor.decide(held[n]!)));
    expect(decided.map(({ type }) => type)).toEqual(auditors.map(() => 'CaseDecided'));
    const next = await Promise.all(auditors.map((auditor) => auditor.claim(600, 10_000)));
    await Promise.all(auditors.map((auditor, n) => auditor.decide(next[n]!)));
    const findings = await players.judge();
    expect(findings.violations).toEqual([]);
    players.close();
  });

  test('behind a network that swallows everything: every request is told so within two seconds', async () => {
    const namespace = 'swallowed';
    const proxy = await TcpProxy.start(postgres.port);
    const proxied = new URL(system.databaseUrl);
    proxied.port = String(proxy.port);
    const gateway = await system.runGateway({ DATABASE_URLS: proxied.href });
    const players = new Players(system.target(gateway), namespace, seed);
    const applicant = await players.join('applicant-1', 'applicant');
    const auditor = await players.join('auditor-1', 'auditor');
    const supervisor = await players.join('supervisor-1', 'supervisor');
    await applicant.register();
    const held = await auditor.claim(600, 10_000);
    proxy.stall();
    const answers = await askAll(gateway.url, describeEverything(namespace, held!), supervisor.token, size(5, 50));
    proxy.resume();
    expect(answers.filter(({ reply }) => reply.kind !== 'fault' || reply.code !== 'UNAVAILABLE')).toEqual([]);
    expect(answers.filter(({ milliseconds }) => milliseconds > answerMsMax)).toEqual([]);
    expect((await auditor.decide(held!)).type).toBe('CaseDecided');
    expect((await players.judge()).violations).toEqual([]);
    players.close();
    await gateway.stop();
    await proxy.close();
  });

  test('stopped under load: clients that repeat lose nothing', async () => {
    const cases = size(200, 5_000);
    const gate = new ProgressGate();
    const result = await runLoad(planLoad({ namespace: 'load', cases, seed }), system.target(...gateways), {
      onProgress: gate.onProgress,
      alongside: async (recorder, signal) => {
        await gate.passed(({ decided }) => decided >= cases * 0.3, signal);
        const fromMs = driverClock();
        await postgres.stop();
        await restartPostgres();
        recorder.disturbances.push({ what: 'postgres', fromMs, toMs: driverClock() });
      },
    });
    expect(result.gaveUp).toBeUndefined();
    expect(result.findings.violations).toEqual([]);
  });
});

function describeEverything(namespace: string, held: HeldLease): Readonly<Record<string, Operation>> {
  const registration = {
    namespace,
    topic: 'cases',
    name: 'AbbVie',
    email: 'office@abbvie.example',
    priority: 0,
    idempotencyKey: 'once',
  };
  return {
    register: registerOperation(registration),
    'register on a new topic': registerOperation({ ...registration, topic: 'other' }),
    claim: claimOperation(namespace, 'cases', 0, 60),
    'claim with a long poll': claimOperation(namespace, 'cases', 20_000, 60),
    'claim on a new topic': claimOperation(namespace, 'another', 20_000, 60),
    extend: extendOperation(held, 60),
    release: releaseOperation(held, 'none'),
    decide: decideOperation(held, 'APPROVE', 'once'),
    claimCase: {
      query: 'mutation ($input: ClaimCaseInput!) { claimCase(input: $input) { __typename } }',
      variables: { input: { caseId: held.caseId } },
    },
    case: { query: 'query ($id: ID!) { case(id: $id) { id } }', variables: { id: held.caseId } },
    cases: {
      query: 'query ($namespace: String!) { cases(namespace: $namespace) { edges { node { id } } } }',
      variables: { namespace },
    },
    myLeases: {
      query: 'query ($namespace: String!) { myLeases(namespace: $namespace) { case { id } } }',
      variables: { namespace },
    },
  };
}

async function countTickets(namespace: string): Promise<number> {
  const counts = await gateways[0]!.foundation.tickets.countTickets('cases');
  return counts.find((count) => count.namespace === namespace)?.tickets ?? 0;
}
