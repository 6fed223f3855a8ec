import { notFound } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import type { JobRecord, TaskAttempt, TaskRecord, WaitReason } from '../domain/task.ts';
import type { Shard } from '../postgres/shard.ts';
import type { Statement } from '../postgres/sql.ts';
import { loadStatement } from '../postgres/sql.ts';
import { createBatcher } from '../queue/batcher.ts';
import type { AttemptRow, JobRow, TaskRow } from './task-rows.ts';
import { toAttempt, toJob, toTask } from './task-rows.ts';

const readTasks = loadStatement('read-tasks');
const readJobTasks = loadStatement('read-job-tasks');
const readJobs = loadStatement('read-jobs');
const readDependencies = loadStatement('read-task-dependencies');
const readWaitReasons = loadStatement('read-wait-reasons');
const readTaskAttempts = loadStatement('read-task-attempts');

/** Reads of jobs and tasks by key, coalesced over all requests of this process. Who may see what is the callers' business. */
export class TaskStore {
  readonly findTask: (id: string) => Promise<TaskRecord | undefined>;
  readonly findJob: (id: string) => Promise<JobRecord | undefined>;
  /** The tasks of a job, in their order. */
  readonly tasksOf: (jobId: string) => Promise<readonly TaskRecord[]>;
  /** The tasks that a task waits for or has waited for, in the order of their job. */
  readonly dependenciesOf: (taskId: string) => Promise<readonly TaskRecord[]>;
  /** Why a task waits; undefined when it does not. */
  readonly waitReasonOf: (taskId: string) => Promise<WaitReason | undefined>;
  /** The last attempts of a task that have ended, oldest first. */
  readonly attemptsOf: (taskId: string) => Promise<readonly TaskAttempt[]>;

  constructor(shard: Shard) {
    const readOne = <Row extends { readonly id: string }, Value>(statement: Statement, convert: (row: Row) => Value) =>
      createBatcher<string, Value | undefined>({
        run: async (ids) => {
          const rows = await shard.run<Row>(statement, [[...new Set(ids)]]);
          const byId = new Map(rows.map((row) => [row.id, convert(row)]));
          return ids.map((id) => byId.get(id));
        },
      });
    this.findTask = readOne<TaskRow, TaskRecord>(readTasks, toTask);
    this.findJob = readOne<JobRow, JobRecord>(readJobs, toJob);
    this.tasksOf = createBatcher<string, readonly TaskRecord[]>({
      rowsMax: 50,
      run: async (ids) => {
        const rows = await shard.run<TaskRow>(readJobTasks, [[...new Set(ids)]]);
        const byJob = Map.groupBy(rows, (row) => row.job_id);
        return ids.map((id) => (byJob.get(id) ?? []).map(toTask));
      },
    });
    this.dependenciesOf = createBatcher<string, readonly TaskRecord[]>({
      rowsMax: 50,
      run: async (ids) => {
        const rows = await shard.run<TaskRow & { waiting_id: string }>(readDependencies, [[...new Set(ids)]]);
        const byTask = Map.groupBy(rows, (row) => row.waiting_id);
        return ids.map((id) => (byTask.get(id) ?? []).map(toTask));
      },
    });
    this.waitReasonOf = createBatcher<string, WaitReason | undefined>({
      run: async (ids) => {
        const rows = await shard.run<{ id: string; reason: WaitReason }>(readWaitReasons, [[...new Set(ids)]]);
        const byTask = new Map(rows.map((row) => [row.id, row.reason]));
        return ids.map((id) => byTask.get(id));
      },
    });
    this.attemptsOf = createBatcher<string, readonly TaskAttempt[]>({
      rowsMax: 100,
      run: async (ids) => {
        const rows = await shard.run<AttemptRow>(readTaskAttempts, [[...new Set(ids)], limits.taskAttemptsShown]);
        const byTask = Map.groupBy(rows, (row) => row.task_id);
        return ids.map((id) => (byTask.get(id) ?? []).map(toAttempt));
      },
    });
  }

  /** @throws Fault `NOT_FOUND` */
  async getTask(id: string): Promise<TaskRecord> {
    const task = await this.findTask(id);
    if (task === undefined) throw notFound('Task');
    return task;
  }

  /** @throws Fault `NOT_FOUND` */
  async getJob(id: string): Promise<JobRecord> {
    const job = await this.findJob(id);
    if (job === undefined) throw notFound('Job');
    return job;
  }
}
