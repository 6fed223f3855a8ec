import { compose } from '../../src/compose.ts';
import { readConfig } from '../../src/config.ts';
import type { Actor } from '../../src/domain/actor.ts';
import { defaultBackoff } from '../../src/domain/backoff.ts';
import { callApi } from '../../src/jetstream/api.ts';
import { provision } from '../../src/jetstream/provision.ts';
import { startServices } from '../../src/lifecycle.ts';
import { createLogger } from '../../src/log.ts';
import { defineTask } from '../../src/tasks/task-handler.ts';
import { createWorkerServices } from '../../src/worker.ts';
import { payload } from '../peers/peer.ts';
import { vacuum } from '../peers/pg-boss.ts';
import { withClient } from '../stage.ts';
import type { TaskQueue } from './task-queue.ts';

const namespace = 'bench';
const kind = 'bench';
const tasksPerJob = 100;
const jobsAtOnce = 16;
const graceMilliseconds = 10_000;
const producer: Actor = {
  subject: 'producer',
  namespace,
  roles: new Set(['producer']),
  expiresAtSeconds: undefined,
};

/** The product in one process, as a program that embeds a producer and a worker would have it. */
export async function openCaseload(databaseUrl: string): Promise<TaskQueue> {
  const log = createLogger('bench', 'warn');
  const config = readConfig(process.env);
  const foundation = await compose(config, log, 'bench');
  await provision(foundation.link);
  const { services } = foundation;
  const create = async (payloads: readonly object[]): Promise<void> => {
    const tasks = payloads.map((one) => ({ kind, payload: one }));
    const result = await services.createJob(producer, { namespace, kind: 'bench', tasks });
    if (result.kind !== 'created') throw new Error(`A job was not created: ${result.kind}`);
  };
  return {
    createThree: (number) => create([payload(number), payload(number), payload(number)]),
    createOne: (sentAt) => create([{ sentAt }]),
    async clear() {
      await withClient(databaseUrl, (client) =>
        client.query('truncate items, tasks, jobs, task_attempts, events, idempotency_keys'),
      );
      for (const stream of ['TASKS', 'EVENTS']) await callApi(foundation.link, `STREAM.PURGE.${stream}`);
    },
    async fill(count) {
      let left = count;
      const createSome = async (): Promise<void> => {
        while (left > 0) {
          const size = Math.min(tasksPerJob, left);
          left -= size;
          await create(Array.from({ length: size }, (_, index) => payload(left + index)));
        }
      };
      await Promise.all(Array.from({ length: jobsAtOnce }, createSome));
      await vacuum(databaseUrl);
    },
    async work(concurrency, onRun) {
      const handler = defineTask<{ readonly sentAt?: number }>({
        kind,
        concurrency,
        timeLimitMilliseconds: 30_000,
        leaseSeconds: 60,
        maxAttempts: 5,
        backoff: defaultBackoff,
        parsePayload: (_field, given) => given as { readonly sentAt?: number },
        async run({ sentAt }) {
          onRun(sentAt ?? 0);
          return undefined;
        },
      });
      const own = await compose(config, log, 'bench worker');
      const stop = await startServices(createWorkerServices(own, [handler], graceMilliseconds), log);
      return async () => {
        await stop();
        await own.close();
      };
    },
    close: () => foundation.close(),
  };
}
