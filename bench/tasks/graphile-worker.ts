import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import { Pool } from 'pg';
import { payload } from '../peers/peer.ts';
import { vacuum } from '../peers/pg-boss.ts';
import type { TaskQueue } from './task-queue.ts';
import { connections } from './task-queue.ts';

const task = 'bench';
const jobsAtOnce = 5_000;
const localQueueSize = 500;

/** With its local queue, and with completions in batches. */
export async function openGraphileWorker(connectionString: string): Promise<TaskQueue> {
  const pool = new Pool({ connectionString, max: connections });
  pool.on('error', (error) => console.error(error));
  const logger = new Logger(() => () => undefined);
  const utilities = await makeWorkerUtils({ pgPool: pool, logger });
  await utilities.migrate();
  return {
    createThree: (number) => utilities.addJobs([1, 2, 3].map(() => ({ identifier: task, payload: payload(number) }))),
    createOne: (sentAt) => utilities.addJob(task, { sentAt }),
    async clear() {
      await pool.query('delete from graphile_worker._private_jobs');
    },
    async fill(count) {
      for (let start = 0; start < count; start += jobsAtOnce) {
        await utilities.addJobs(
          Array.from({ length: Math.min(jobsAtOnce, count - start) }, (_, index) => ({
            identifier: task,
            payload: payload(start + index),
          })),
        );
      }
      await vacuum(connectionString);
    },
    async work(concurrency, onRun) {
      const runner = await run({
        pgPool: pool,
        logger,
        noHandleSignals: true,
        taskList: { [task]: (given) => onRun(given.sentAt ?? 0) },
        preset: {
          worker: {
            concurrentJobs: concurrency,
            localQueue: { size: localQueueSize },
            completeJobBatchDelay: 0,
            failJobBatchDelay: 0,
          },
        },
      });
      return () => runner.stop();
    },
    async close() {
      await utilities.release();
      await pool.end();
    },
  };
}
