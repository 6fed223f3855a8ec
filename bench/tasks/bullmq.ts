import type { Connection } from 'bullmq';
import { createPostgresBackend, Queue, Worker } from 'bullmq';
import { payload } from '../peers/peer.ts';
import { vacuum } from '../peers/pg-boss.ts';
import type { TaskQueue } from './task-queue.ts';
import { connections } from './task-queue.ts';

const name = 'bench';
const jobsAtOnce = 1_000;

/** On PostgreSQL, the backend that makes the same promise as the others here. */
export async function openBullmq(connectionString: string): Promise<TaskQueue> {
  const connection: Connection = { connectionString, max: connections, schema: 'bullmq', migrate: true };
  const defaultJobOptions = { removeOnComplete: true, removeOnFail: true };
  const queue = new Queue(name, { connection, defaultJobOptions }, createPostgresBackend);
  queue.on('error', (error) => console.error(error));
  await queue.waitUntilReady();
  return {
    createThree: (number) => queue.addBulk([1, 2, 3].map(() => ({ name, data: payload(number) }))),
    createOne: (sentAt) => queue.add(name, { sentAt }),
    clear: () => queue.obliterate({ force: true }),
    async fill(count) {
      for (let start = 0; start < count; start += jobsAtOnce) {
        await queue.addBulk(
          Array.from({ length: Math.min(jobsAtOnce, count - start) }, (_, index) => ({
            name,
            data: payload(start + index),
          })),
        );
      }
      await vacuum(connectionString);
    },
    async work(concurrency, onRun) {
      const worker = new Worker(
        name,
        async ({ data }) => onRun(data.sentAt ?? 0),
        { connection, concurrency },
        createPostgresBackend,
      );
      worker.on('error', (error) => console.error(error));
      return () => worker.close(true);
    },
    close: () => queue.close(),
  };
}
