import { setTimeout as delay } from 'node:timers/promises';
import { connectNats } from '../../src/jetstream/connection.ts';
import { provision } from '../../src/jetstream/provision.ts';
import type { Bench } from '../bench.ts';
import { startChild } from '../child.ts';
import { ours } from '../contender.ts';
import { peerTitle } from '../peers/start.ts';
import { startStatementCounter } from '../statement-counter.ts';
import type { TaskPlan } from '../tasks/host.ts';
import type { RunningTaskQueue } from '../tasks/start.ts';
import { prepareOurs, startTaskQueues } from '../tasks/start.ts';
import type { Rounds } from './rounds.ts';
import { alternate, compareRates } from './rounds.ts';
import type { Goal, Row, RowReport } from './row.ts';
import { noteOthers, toLine } from './row.ts';

const peerNames = ['pg-boss', 'graphile-worker', 'bullmq'] as const;
const callers = 64;
const jobsGuess = 60_000;
const reserve = 1.6;
const inProcess = 'All of them are called in their own process, without HTTP in between.';

type Work = Pick<TaskPlan, 'work'> & Partial<TaskPlan>;

/** Has all queues do the same in turn. */
async function race(bench: Bench, wanted: Work, what: string, kind: string): Promise<readonly [Rounds, RowReport]> {
  const queues = await startTaskQueues(bench, peerNames);
  try {
    const { warmUpSeconds, measureSeconds } = bench.options.effort;
    const plan: TaskPlan = { warmUpSeconds, measureSeconds, concurrency: callers, jobs: 0, perSecond: 0, ...wanted };
    const rates = new Map<string, number>();
    // As many jobs as the fastest run so far would need, and more.
    const measure = async (queue: RunningTaskQueue, seconds: Partial<TaskPlan> = {}) => {
      const one = { ...plan, ...seconds };
      const perSecond = rates.get(queue.name) ?? jobsGuess;
      const jobs = one.work === 'run' ? Math.ceil(perSecond * (one.warmUpSeconds + one.measureSeconds)) : 0;
      const run = await queue.measure({ ...one, jobs });
      rates.set(queue.name, Math.max(rates.get(queue.name) ?? jobsGuess / 10, run.rate * reserve));
      return run;
    };
    for (const queue of queues) await measure(queue, { warmUpSeconds: 0.5, measureSeconds: 0.5 });
    const rounds = await alternate(
      bench,
      queues.map((queue) => ({ name: queue.name, measure: () => measure(queue) })),
    );
    const lines = [...rounds].map(([who, runs]) => toLine(who, what, runs, kind));
    return [rounds, { lines, goals: [], notes: [...noteOthers([...rounds.values()].flat()), inProcess] }];
  } finally {
    for (const queue of queues) await queue.stop();
  }
}

function compareAll(rounds: Rounds): readonly Goal[] {
  return peerNames.flatMap((name) => compareRates(rounds, ours, peerTitle(name)) ?? []);
}

export const createJobs: Row = {
  name: 'create-jobs',
  title: `createJob: jobs of three tasks each; ${callers} callers`,
  async run(bench: Bench) {
    const [rounds, report] = await race(bench, { work: 'create' }, 'three tasks in a call', 'create');
    return { ...report, goals: compareAll(rounds) };
  },
};

export const runTasks: Row = {
  name: 'run-tasks',
  title: `one worker process runs tasks that do nothing, ${callers} at once`,
  async run(bench: Bench) {
    const [rounds, report] = await race(bench, { work: 'run' }, 'taken, run and completed', 'run');
    const notes = [
      ...report.notes,
      'pg-boss fetches and completes 500 jobs at a time and has no handler for each; graphile-worker has its local queue of 500 and completes in batches.',
    ];
    return { ...report, notes, goals: compareAll(rounds) };
  },
};

export const taskLatency: Row = {
  name: 'task-latency',
  title: 'from the moment at which a task is due to be created until its handler begins, at a steady rate',
  async run(bench: Bench) {
    const reports: RowReport[] = [];
    const goals: Goal[] = [];
    for (const perSecond of [200, 500]) {
      const what = `${perSecond} a second`;
      const [rounds, report] = await race(bench, { work: 'latency', perSecond }, what, 'start to run');
      reports.push(report);
      const times = (rounds.get(ours) ?? []).map((run) => run.times['start to run']);
      goals.push(
        { what: `p50 at ${what}`, values: times.map((time) => time!.p50), unit: 'ms', bound: { atMost: 2 } },
        { what: `p99 at ${what}`, values: times.map((time) => time!.p99), unit: 'ms', bound: { atMost: 8 } },
      );
    }
    return {
      lines: reports.flatMap((report) => report.lines),
      goals,
      notes: [...new Set(reports.flatMap((report) => report.notes))],
    };
  },
};

const settleMilliseconds = 3_000;

/** Without tasks a worker waits for tickets and asks the database nothing, but once a minute for new kinds. */
export const idleWorker: Row = {
  name: 'idle-worker',
  title: 'a worker program without tasks',
  async run(bench: Bench) {
    const { databaseUrl, nats, environment } = await prepareOurs(bench, 'idle_worker');
    const link = await connectNats({ url: nats.url, name: 'bench', log: bench.stage.log });
    await provision(link);
    await link.close();
    const counter = await startStatementCounter(databaseUrl);
    const worker = await startChild({
      module: 'src/worker.ts',
      name: 'worker',
      environment: { ...environment, DATABASE_URLS: counter.url },
    });
    try {
      await delay(settleMilliseconds);
      const before = counter.statements;
      await delay(bench.options.effort.idleSeconds * 1_000);
      const values = [counter.statements - before];
      const what = `statements of the worker in ${bench.options.effort.idleSeconds} s`;
      if (before === 0) throw new Error('The worker never asked for its kinds: it was not at work');
      return { lines: [], goals: [{ what, values, unit: '', bound: { atMost: 0 } }], notes: [] };
    } finally {
      await worker.stop();
      await counter.close();
    }
  },
};
