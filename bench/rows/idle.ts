import { setTimeout as delay } from 'node:timers/promises';
import type { Bench } from '../bench.ts';
import { ask, startChild } from '../child.ts';
import type { Contender } from '../contender.ts';
import { issueTokens, startOurs } from '../contender.ts';
import type { Memory } from '../cpu.ts';
import { readMemory } from '../cpu.ts';
import type { IdlePlan, IdleReport } from '../idle-clients.ts';
import { auditorName } from '../operations.ts';
import type { StatementCounter } from '../statement-counter.ts';
import { startStatementCounter } from '../statement-counter.ts';
import { Workbench } from '../workbench.ts';
import type { Row, RowReport } from './row.ts';

const claimers = 1_000;
const sockets = 40;
const subscriptionsPerSocket = 50;
const waitMilliseconds = 30_000;
/** Everybody has asked once by then; after that nothing should happen. */
const settleMilliseconds = 6_000;

/** Waiting is done without asking: nobody polls the database, however many wait. */
export const idle: Row = {
  name: 'idle',
  title: `${claimers.toLocaleString('en')} waiting claimers and ${(sockets * subscriptionsPerSocket).toLocaleString('en')} subscriptions on ${sockets} sockets`,
  async run(bench: Bench) {
    const workbench = await Workbench.open(bench.stage, 'idle');
    const gateway = await startStatementCounter(workbench.databaseUrl);
    const scheduler = await startStatementCounter(workbench.databaseUrl);
    try {
      const detours = { gatewayDatabaseUrl: gateway.url, schedulerDatabaseUrl: scheduler.url };
      const contender = await startOurs(bench.stage, workbench, { detours });
      try {
        return await watchIdleness(bench, contender, gateway, scheduler);
      } finally {
        await contender.stop();
      }
    } finally {
      await gateway.close();
      await scheduler.close();
      await workbench.close();
    }
  },
};

async function watchIdleness(
  bench: Bench,
  contender: Contender,
  gateway: StatementCounter,
  scheduler: StatementCounter,
): Promise<RowReport> {
  const { idleSeconds } = bench.options.effort;
  const pid = contender.pids.gateway!;
  const memoryBefore = readMemory(pid);
  const clients = await startChild({ module: 'bench/idle-clients.ts', name: 'idle clients', environment: {} });
  try {
    const plan: IdlePlan = {
      port: contender.port,
      claimTokens: await issueTokens(claimers, 'auditor', auditorName),
      waitMilliseconds,
      sockets,
      subscriptionsPerSocket,
      socketToken: (await issueTokens(1, 'supervisor', () => 'supervisor'))[0]!,
    };
    await ask<IdleReport>(clients, { ...plan });
    await delay(settleMilliseconds);
    await requireWaiting(contender);
    const before = { gateway: gateway.statements, scheduler: scheduler.statements };
    await delay(idleSeconds * 1_000);
    const statements = gateway.statements - before.gateway;
    const byScheduler = scheduler.statements - before.scheduler;
    await requireWaiting(contender);
    const memory = readMemory(pid);
    const report = await ask<IdleReport>(clients, 'close');
    if (report.answered > 0 || report.closed > 0) throw new Error(`Not all went on waiting: ${JSON.stringify(report)}`);
    return {
      lines: [],
      goals: [
        { what: `statements of the gateway in ${idleSeconds} s`, values: [statements], unit: '', bound: { atMost: 0 } },
        { what: `statements of the scheduler in ${idleSeconds} s`, values: [byScheduler], unit: '', bound: undefined },
        { what: 'memory of the gateway', values: pick(memory, 'resident'), unit: 'MB', bound: { atMost: 150 } },
        {
          what: '… of which mapped files, Node itself above all',
          values: pick(memory, 'files'),
          unit: 'MB',
          bound: undefined,
        },
        { what: 'memory of the gateway before', values: pick(memoryBefore, 'resident'), unit: 'MB', bound: undefined },
      ],
      notes: ['Statements are counted on the wire between each program and PostgreSQL.'],
    };
  } finally {
    await clients.stop();
  }
}

/** @throws Error when the gateway itself does not count all of them as waiting */
async function requireWaiting({ port }: Contender): Promise<void> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const read = (name: string): number =>
    Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\d+)`, 'm').exec(text)?.[1] ?? Number.NaN);
  const waiting = { claimers: read('caseload_claimers_waiting'), subscriptions: read('caseload_case_watchers') };
  if (waiting.claimers !== claimers || waiting.subscriptions !== sockets * subscriptionsPerSocket) {
    throw new Error(`Not all are waiting: ${JSON.stringify(waiting)}`);
  }
}

function pick(memory: Memory | undefined, part: keyof Memory): number[] {
  return memory === undefined ? [] : [memory[part]];
}
