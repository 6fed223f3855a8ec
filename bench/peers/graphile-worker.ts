import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import { Pool } from 'pg';
import type { Peer } from './peer.ts';
import { connections, payload } from './peer.ts';
import { vacuum } from './pg-boss.ts';

const task = 'bench';
const jobsAtOnce = 5_000;

export async function openGraphileWorker(connectionString: string): Promise<Peer> {
  const pool = new Pool({ connectionString, max: connections });
  pool.on('error', (error) => console.error(error));
  const logger = new Logger(() => () => undefined);
  const utilities = await makeWorkerUtils({ pgPool: pool, logger });
  await utilities.migrate();
  const workWith = async (preset: object, callers: number, onDone: () => void, stop: Promise<void>): Promise<void> => {
    const runner = await run({
      preset,
      pgPool: pool,
      logger,
      concurrency: callers,
      noHandleSignals: true,
      taskList: { [task]: onDone },
    });
    await stop;
    await runner.stop();
  };
  return {
    enqueue: (number) => utilities.addJob(task, payload(number)),
    addMany: (first, count) =>
      utilities.addJobs(
        Array.from({ length: count }, (_, index) => ({ identifier: task, payload: payload(first + index) })),
      ),
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
    work: (callers, onDone, _onEmpty, stop) => workWith({}, callers, onDone, stop),
    workInBatches: (callers, onDone, _onEmpty, stop) =>
      workWith(
        { worker: { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
        callers,
        onDone,
        stop,
      ),
    async close() {
      await utilities.release();
      await pool.end();
    },
  };
}
