import { PgBoss } from 'pg-boss';
import { payload } from '../peers/peer.ts';
import { vacuum } from '../peers/pg-boss.ts';
import type { TaskQueue } from './task-queue.ts';
import { connections } from './task-queue.ts';

const queue = 'bench';
const jobsAtOnce = 5_000;
const batchSize = 500;
const fetchersAtOnce = 4;

/** In batches while there is a backlog, woken by NOTIFY when there is none. */
export async function openPgBoss(connectionString: string): Promise<TaskQueue> {
  const boss = new PgBoss({ connectionString, max: connections, schedule: false, useListenNotify: true });
  boss.on('error', (error) => console.error(error));
  await boss.start();
  await boss.createQueue(queue, { expireInSeconds: 600, notify: true });
  return {
    createThree: (number) =>
      boss.insert(
        queue,
        [1, 2, 3].map(() => ({ data: payload(number) })),
      ),
    createOne: (sentAt) => boss.send(queue, { sentAt }),
    async clear() {
      await boss.deleteAllJobs(queue);
    },
    async fill(count) {
      for (let start = 0; start < count; start += jobsAtOnce) {
        const jobs = Array.from({ length: Math.min(jobsAtOnce, count - start) }, (_, index) => ({
          data: payload(start + index),
        }));
        await boss.insert(queue, jobs);
      }
      await vacuum(connectionString);
    },
    async work(_concurrency, onRun) {
      await boss.work(
        queue,
        { batchSize, localConcurrency: fetchersAtOnce, pollingIntervalSeconds: 0.5, burstWhenBatchFull: true },
        async (jobs) => {
          for (const { data } of jobs) onRun(data.sentAt ?? 0);
        },
      );
      return () => boss.offWork(queue);
    },
    close: () => boss.stop({ graceful: false }),
  };
}
