import { Client } from 'pg';
import { PgBoss } from 'pg-boss';
import type { Peer } from './peer.ts';
import { connections, payload } from './peer.ts';

const queue = 'bench';
const jobsAtOnce = 5_000;
const expireSeconds = 600;

export async function openPgBoss(connectionString: string): Promise<Peer> {
  const boss = new PgBoss({ connectionString, max: connections, schedule: false });
  boss.on('error', (error) => console.error(error));
  await boss.start();
  await boss.createQueue(queue, { expireInSeconds: expireSeconds });
  const takeOneAfterTheOther = async (
    onDone: () => void,
    onEmpty: () => void,
    isOver: () => boolean,
  ): Promise<void> => {
    while (!isOver()) {
      const [job] = await boss.fetch(queue);
      if (job === undefined) return onEmpty();
      await boss.complete(queue, job.id);
      onDone();
    }
  };
  return {
    enqueue: (number) => boss.send(queue, payload(number)),
    addMany: (first, count) =>
      boss.insert(
        queue,
        Array.from({ length: count }, (_, index) => ({ data: payload(first + index) })),
      ),
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
    async work(callers, onDone, onEmpty, stop) {
      let over = false;
      void stop.then(() => {
        over = true;
      });
      await Promise.all(Array.from({ length: callers }, () => takeOneAfterTheOther(onDone, onEmpty, () => over)));
    },
    close: () => boss.stop({ graceful: false }),
  };
}

/** As for the product: fresh statistics, and no leftovers of the loading. */
export async function vacuum(connectionString: string): Promise<void> {
  const client = new Client({ connectionString });
  await client.connect();
  await client.query('vacuum (analyze)');
  await client.query('checkpoint');
  await client.end();
}
