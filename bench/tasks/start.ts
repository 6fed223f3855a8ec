import { join } from 'node:path';
import type { Bench, Run } from '../bench.ts';
import type { Child } from '../child.ts';
import { startChild } from '../child.ts';
import { authSecret, ours } from '../contender.ts';
import type { CpuGroup } from '../cpu.ts';
import { peerTitle } from '../peers/start.ts';
import { requireDurable } from '../stage.ts';
import type { TaskPlan, TaskQueueName } from './host.ts';

/** A queue in its process, with a database of its own on the common PostgreSQL. */
export interface RunningTaskQueue {
  readonly name: string;
  measure(plan: TaskPlan): Promise<Run>;
  stop(): Promise<void>;
}

export async function startTaskQueues(
  bench: Bench,
  names: readonly Exclude<TaskQueueName, 'caseload'>[],
): Promise<readonly RunningTaskQueue[]> {
  const queues: RunningTaskQueue[] = [];
  try {
    queues.push(await startOurs(bench));
    if (bench.options.peers) for (const name of names) queues.push(await startPeer(bench, name));
    return queues;
  } catch (error) {
    for (const queue of queues) await queue.stop();
    throw error;
  }
}

/** What a program of the product is started with on a database and a nats-server of its own. */
export async function prepareOurs(bench: Bench, name: string) {
  const databaseUrl = await bench.stage.createDatabase(`bench_${name}`, true);
  await requireDurable(databaseUrl);
  const nats = await bench.stage.startNats(name);
  const environment = {
    NODE_ENV: 'production',
    LOG_LEVEL: 'warn',
    PORT: '0',
    DATABASE_URLS: databaseUrl,
    NATS_URL: nats.url,
    AUTH_SECRET: authSecret,
    URL_SECRET: authSecret,
    BLOB_URL: `fs:${join(bench.stage.directory, 'blobs')}`,
  };
  return { databaseUrl, nats, environment };
}

async function startOurs(bench: Bench): Promise<RunningTaskQueue> {
  const { databaseUrl, nats, environment } = await prepareOurs(bench, 'tasks');
  const host = await startChild({
    module: 'bench/tasks/host.ts',
    name: 'tasks',
    environment: { ...environment, QUEUE_NAME: 'caseload', QUEUE_DATABASE_URL: databaseUrl },
  });
  const scheduler = await startChild({ module: 'src/scheduler.ts', name: 'scheduler', environment });
  return {
    name: ours,
    measure: (plan) =>
      measureIn(bench, host, plan, [
        { name: 'scheduler', pids: [scheduler.pid] },
        { name: 'NATS', pids: [nats.pid] },
      ]),
    async stop() {
      await Promise.all([host.stop(), scheduler.stop()]);
    },
  };
}

async function startPeer(bench: Bench, name: Exclude<TaskQueueName, 'caseload'>): Promise<RunningTaskQueue> {
  const url = await bench.stage.createDatabase(`bench_tasks_${name.replace('-', '_')}`, false);
  await requireDurable(url);
  const child = await startChild({
    module: 'bench/tasks/host.ts',
    name,
    environment: { NODE_ENV: 'production', QUEUE_NAME: name, QUEUE_DATABASE_URL: url },
  });
  return { name: peerTitle(name), measure: (plan) => measureIn(bench, child, plan, []), stop: child.stop };
}

function measureIn(bench: Bench, child: Child, plan: TaskPlan, more: readonly CpuGroup[]): Promise<Run> {
  return bench.measure(child, { ...plan }, [{ name: 'server', pids: [child.pid] }, ...more]);
}
