import type { Foundation } from '../../src/compose.ts';
import type { TaskRecord, TaskStatus } from '../../src/domain/task.ts';
import { startServices } from '../../src/lifecycle.ts';
import { createLogger } from '../../src/log.ts';
import type { TaskInput } from '../../src/tasks/job-input.ts';
import type { AnyTaskHandler } from '../../src/tasks/task-handler.ts';
import { createWorkerServices } from '../../src/worker.ts';
import { actor } from '../support/engine.ts';

export const producer = actor('paul', 'producer');
export const supervisor = actor('sue', 'supervisor');

export async function startWorker(
  foundation: Foundation,
  handlers: readonly AnyTaskHandler[],
  grace?: number,
): Promise<() => Promise<void>> {
  return startServices(createWorkerServices(foundation, handlers, grace), createLogger('test', 'fatal'));
}

export async function createJob(
  foundation: Foundation,
  tasks: readonly TaskInput[],
  more: object = {},
): Promise<{ jobId: string; taskIds: readonly string[]; tasks: readonly TaskRecord[] }> {
  const result = await foundation.services.createJob(producer, { namespace: 'acme', kind: 'order', tasks, ...more });
  if (result.kind !== 'created') throw new Error(result.kind);
  return { jobId: result.job.id, taskIds: result.tasks.map((task) => task.id), tasks: result.tasks };
}

/** Looks until a task stands as wanted. */
export async function untilStatus(foundation: Foundation, taskId: string, wanted: TaskStatus): Promise<TaskRecord> {
  const deadline = Date.now() + 25_000;
  for (;;) {
    const task = await foundation.services.taskStore.getTask(taskId);
    if (task.status === wanted) return task;
    if (Date.now() > deadline) throw new Error(`the task is ${task.status}, not ${wanted}: ${task.error}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
