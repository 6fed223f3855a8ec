import { setTimeout as delay } from 'node:timers/promises';
import { answerParent } from '../child.ts';
import type { Measurement } from '../recorder.ts';
import { Recorder } from '../recorder.ts';
import type { TaskQueue } from './task-queue.ts';

/** A process of its own for one queue, which is opened with the first request. */
export type TaskQueueName = 'caseload' | 'pg-boss' | 'graphile-worker' | 'bullmq';

export interface TaskPlan {
  readonly work: 'create' | 'run' | 'latency';
  readonly warmUpSeconds: number;
  readonly measureSeconds: number;
  /** Callers who create, or jobs that run at once. */
  readonly concurrency: number;
  /** Jobs to lay out before they are run. */
  readonly jobs: number;
  /** Jobs that are created in a second, for the latency. */
  readonly perSecond: number;
}

const lateMilliseconds = 5_000;
let queue: Promise<TaskQueue> | undefined;

if (import.meta.main) answerParent<TaskPlan, Measurement>(measure);

async function measure(plan: TaskPlan, onMeasuring: () => void): Promise<Measurement> {
  queue ??= open(process.env.QUEUE_NAME as TaskQueueName, process.env.QUEUE_DATABASE_URL ?? '');
  const opened = await queue;
  await opened.clear();
  const recorder = new Recorder();
  const begin = (): void => {
    recorder.start();
    onMeasuring();
  };
  switch (plan.work) {
    case 'create':
      await create(opened, plan, recorder, begin);
      break;
    case 'run':
      await run(opened, plan, recorder, begin);
      break;
    case 'latency':
      await createSteadily(opened, plan, recorder, begin);
      break;
  }
  await opened.clear();
  return recorder.result();
}

async function open(name: TaskQueueName, databaseUrl: string): Promise<TaskQueue> {
  switch (name) {
    case 'caseload':
      return (await import('./caseload.ts')).openCaseload(databaseUrl);
    case 'pg-boss':
      return (await import('./pg-boss.ts')).openPgBoss(databaseUrl);
    case 'graphile-worker':
      return (await import('./graphile-worker.ts')).openGraphileWorker(databaseUrl);
    case 'bullmq':
      return (await import('./bullmq.ts')).openBullmq(databaseUrl);
  }
}

/** A closed loop of callers, each of whom creates three jobs in a call. */
async function create(opened: TaskQueue, plan: TaskPlan, recorder: Recorder, begin: () => void): Promise<void> {
  let over = false;
  let number = 0;
  const caller = async (): Promise<void> => {
    while (!over) {
      const begunAt = performance.now();
      number += 1;
      await opened.createThree(number);
      recorder.answered('create', begunAt);
      recorder.completed();
    }
  };
  const work = Promise.all(Array.from({ length: plan.concurrency }, caller));
  await Promise.race([delay(plan.warmUpSeconds * 1_000), work]);
  begin();
  await Promise.race([delay(plan.measureSeconds * 1_000), work]);
  recorder.end();
  over = true;
  await work;
}

/** Runs what was laid out; when it runs dry, the figures are up to there. */
async function run(opened: TaskQueue, plan: TaskPlan, recorder: Recorder, begin: () => void): Promise<void> {
  await opened.fill(plan.jobs);
  let left = plan.jobs;
  const dry = Promise.withResolvers<void>();
  const stop = await opened.work(plan.concurrency, () => {
    recorder.completed();
    left -= 1;
    if (left > 0) return;
    recorder.end(true);
    dry.resolve();
  });
  await Promise.race([delay(plan.warmUpSeconds * 1_000), dry.promise]);
  begin();
  await Promise.race([delay(plan.measureSeconds * 1_000), dry.promise]);
  recorder.end();
  await stop();
}

/** An open loop: jobs are created when they are due, however long those before take, and counted from when they were due. */
async function createSteadily(opened: TaskQueue, plan: TaskPlan, recorder: Recorder, begin: () => void): Promise<void> {
  const all = Math.ceil(plan.perSecond * (plan.warmUpSeconds + plan.measureSeconds));
  let ran = 0;
  const done = Promise.withResolvers<void>();
  const stop = await opened.work(plan.concurrency, (sentAt) => {
    recorder.answered('start to run', sentAt);
    recorder.completed();
    ran += 1;
    if (ran === all) done.resolve();
  });
  const startAt = performance.now() + 50;
  const failed = Promise.withResolvers<never>();
  setTimeout(begin, plan.warmUpSeconds * 1_000);
  for (let number = 0; number < all; number += 1) {
    const dueAt = startAt + (number * 1_000) / plan.perSecond;
    const wait = dueAt - performance.now();
    if (wait > 1) await delay(Math.floor(wait));
    opened.createOne(dueAt).catch(failed.reject);
  }
  await Promise.race([done.promise, failed.promise, delay(lateMilliseconds)]);
  recorder.end();
  await stop();
  if (ran < all)
    throw new Error(`${all - ran} of ${all} jobs had not run ${lateMilliseconds / 1_000} s after the last`);
}
