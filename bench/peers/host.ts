import { setTimeout as delay } from 'node:timers/promises';
import { answerParent } from '../child.ts';
import type { Measurement } from '../recorder.ts';
import { Recorder } from '../recorder.ts';
import type { Peer } from './peer.ts';

/** A process of its own for one peer, which is opened with the first request. */
export type PeerName = 'pg-boss' | 'graphile-worker' | 'bullmq';

export interface PeerPlan {
  /** `fill`: in calls of 1,000. `take in batches`: as the library does best, where it can. */
  readonly work: 'enqueue' | 'fill' | 'take' | 'take in batches';
  readonly callers: number;
  readonly warmUpSeconds: number;
  readonly measureSeconds: number;
  /** Jobs to lay out before taking. */
  readonly jobs: number;
}

let peer: Promise<Peer> | undefined;
let enqueued = 0;
const jobsPerCall = 1_000;

if (import.meta.main) answerParent<PeerPlan, Measurement>(measure);

async function measure(plan: PeerPlan, onMeasuring: () => void): Promise<Measurement> {
  peer ??= open(process.env.PEER_NAME as PeerName, process.env.PEER_DATABASE_URL ?? '');
  const opened = await peer;
  await opened.clear();
  const takes = plan.work === 'take' || plan.work === 'take in batches';
  if (takes) await opened.fill(plan.jobs);
  const recorder = new Recorder();
  const stop = Promise.withResolvers<void>();
  const work = takes ? take(opened, plan, recorder, stop) : enqueue(opened, plan, recorder, stop);
  await Promise.race([delay(plan.warmUpSeconds * 1_000), work]);
  recorder.start();
  onMeasuring();
  await Promise.race([delay(plan.measureSeconds * 1_000), stop.promise]);
  recorder.end();
  stop.resolve();
  await work;
  return recorder.result();
}

async function open(name: PeerName, databaseUrl: string): Promise<Peer> {
  switch (name) {
    case 'pg-boss':
      return (await import('./pg-boss.ts')).openPgBoss(databaseUrl);
    case 'graphile-worker':
      return (await import('./graphile-worker.ts')).openGraphileWorker(databaseUrl);
    case 'bullmq':
      return (await import('./bullmq.ts')).openBullmq(databaseUrl);
  }
}

async function enqueue(
  opened: Peer,
  plan: PeerPlan,
  recorder: Recorder,
  stop: PromiseWithResolvers<void>,
): Promise<void> {
  let over = false;
  void stop.promise.then(() => {
    over = true;
  });
  const caller = async (): Promise<void> => {
    while (!over) {
      const begunAt = performance.now();
      const count = plan.work === 'fill' ? jobsPerCall : 1;
      if (plan.work === 'fill') await opened.addMany(enqueued + 1, count);
      else await opened.enqueue(enqueued + 1);
      enqueued += count;
      recorder.answered('enqueue', begunAt);
      for (let job = 0; job < count; job += 1) recorder.completed();
    }
  };
  await Promise.all(Array.from({ length: plan.callers }, caller));
}

/** Some libraries do not say that their queue is empty; the jobs that were laid out are counted instead. */
async function take(opened: Peer, plan: PeerPlan, recorder: Recorder, stop: PromiseWithResolvers<void>): Promise<void> {
  let left = plan.jobs;
  const endDry = (): void => {
    recorder.end(true);
    stop.resolve();
  };
  const onDone = (): void => {
    recorder.completed();
    left -= 1;
    if (left === 0) endDry();
  };
  const work = plan.work === 'take in batches' ? (opened.workInBatches ?? opened.work) : opened.work;
  await work(plan.callers, onDone, endDry, stop.promise);
}
