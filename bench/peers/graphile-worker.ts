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
  return {
    enqueue: (number) => utilities.addJob(task, payload(number)),
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
    async work(callers, onDone, _onEmpty, stop) {
      const runner = await run({
        pgPool: pool,
        logger,
        concurrency: callers,
        noHandleSignals: true,
        taskList: { [task]: onDone },
      });
      await stop;
      await runner.stop();
    },
    async close() {
      await utilities.release();
      await pool.end();
    },
  };
}
