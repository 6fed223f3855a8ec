import type { Connection } from 'bullmq';
import { createPostgresBackend, Queue, Worker } from 'bullmq';
import type { Peer } from './peer.ts';
import { connections, payload } from './peer.ts';
import { vacuum } from './pg-boss.ts';

const name = 'bench';
const jobsAtOnce = 1_000;

/** BullMQ on PostgreSQL, the backend that makes the same promise as the others here. */
export async function openBullmq(connectionString: string): Promise<Peer> {
  const connection: Connection = { connectionString, max: connections, schema: 'bullmq', migrate: true };
  const defaultJobOptions = { removeOnComplete: true, removeOnFail: true };
  const queue = new Queue(name, { connection, defaultJobOptions }, createPostgresBackend);
  queue.on('error', (error) => console.error(error));
  await queue.waitUntilReady();
  return {
    enqueue: (number) => queue.add(name, payload(number)),
    addMany: (first, count) =>
      queue.addBulk(Array.from({ length: count }, (_, index) => ({ name, data: payload(first + index) }))),
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
    async work(callers, onDone, _onEmpty, stop) {
      const worker = new Worker(
        name,
        async () => onDone(),
        { connection, concurrency: callers },
        createPostgresBackend,
      );
      worker.on('error', (error) => console.error(error));
      await stop;
      await worker.close(true);
    },
    close: () => queue.close(),
  };
}
