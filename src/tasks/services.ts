import type { Actor } from '../domain/actor.ts';
import type { JobRecord, JobStatus, TaskRecord, TaskStatus } from '../domain/task.ts';
import type { ItemHistoryPage } from '../events/item-history.ts';
import { createItemHistory } from '../events/item-history.ts';
import type { CancelJobInput, CancelResult, CancelTaskInput } from './cancel.ts';
import { createCancelJob, createCancelTask } from './cancel.ts';
import type { ClaimTasksInput, ClaimTasksResult } from './claim-tasks.ts';
import type { CreateJobDependencies, CreateJobInput, CreateJobResult } from './create-job.ts';
import { createCreateJob } from './create-job.ts';
import { createFindJob, createFindTask } from './find-task.ts';
import { createFinish } from './finish.ts';
import { createHeartbeat } from './heartbeat.ts';
import type { JobListArguments, Page, StatusCounts, TaskKind, TaskListArguments } from './list-tasks.ts';
import {
  createCountJobs,
  createCountTasks,
  createListJobs,
  createListTaskKinds,
  createListTasks,
} from './list-tasks.ts';
import type { TaskReports } from './report-task.ts';
import { createTaskReports } from './report-task.ts';
import type { RetryFailedTasksInput, RetryResult, RetryTaskInput, RetryTasksInput } from './retry.ts';
import { createRetryFailedTasks, createRetryTask, createRetryTasks } from './retry.ts';
import type { ScheduleServices } from './schedules/operate.ts';
import { createScheduleServices } from './schedules/operate.ts';
import type { SchedulePlanner } from './schedules/planner.ts';
import type { TaskStore } from './store.ts';
import type { TaskControlServices } from './task-controls.ts';
import { createTaskControls } from './task-controls.ts';
import type { JobFilter, TaskFilter } from './task-filter.ts';
import type { UpdateResult, UpdateTaskInput, UpdateTasksInput } from './update.ts';
import { createUpdateTask, createUpdateTasks } from './update.ts';
import type { JobUpdate, WatchJobsArguments } from './watch-jobs.ts';

type Asker = Actor | undefined;

/** What resolvers of jobs and tasks stand on: one function a verb. Each checks role and namespace itself. */
export interface TaskServices extends TaskControlServices, TaskReports, ScheduleServices {
  readonly taskStore: Pick<TaskStore, keyof TaskStore>;
  readonly createJob: (actor: Asker, input: CreateJobInput) => Promise<CreateJobResult>;
  readonly findJob: (actor: Asker, id: string) => Promise<JobRecord>;
  readonly findTask: (actor: Asker, id: string) => Promise<TaskRecord>;
  readonly listJobs: (actor: Asker, input: JobListArguments) => Promise<Page<JobRecord>>;
  readonly listTasks: (actor: Asker, input: TaskListArguments) => Promise<Page<TaskRecord>>;
  readonly countJobs: (actor: Asker, namespace: string, filter?: JobFilter | null) => Promise<StatusCounts<JobStatus>>;
  readonly countTasks: (
    actor: Asker,
    namespace: string,
    filter?: TaskFilter | null,
  ) => Promise<StatusCounts<TaskStatus>>;
  readonly listTaskKinds: (actor: Asker, namespace: string) => Promise<readonly TaskKind[]>;
  readonly retryTask: (actor: Asker, input: RetryTaskInput) => Promise<RetryResult>;
  readonly retryFailedTasks: (actor: Asker, input: RetryFailedTasksInput) => Promise<RetryResult>;
  readonly retryTasks: (actor: Asker, input: RetryTasksInput) => Promise<RetryResult>;
  readonly updateTask: (actor: Asker, input: UpdateTaskInput) => Promise<UpdateResult>;
  readonly updateTasks: (actor: Asker, input: UpdateTasksInput) => Promise<UpdateResult>;
  readonly cancelTask: (actor: Asker, input: CancelTaskInput) => Promise<CancelResult>;
  readonly cancelJob: (actor: Asker, input: CancelJobInput) => Promise<CancelResult>;
  /** What happened to a task. Who may see it is the caller's business. */
  readonly taskHistory: (taskId: string, first: number, after: string | null) => Promise<ItemHistoryPage>;
}

/** The verbs that are over all shards from the start. */
export interface JobWatchServices {
  readonly claimTasks: (actor: Asker, input: ClaimTasksInput, signal: AbortSignal) => Promise<ClaimTasksResult>;
  readonly watchJobs: (actor: Asker, input: WatchJobsArguments) => Promise<AsyncIterableIterator<JobUpdate>>;
}

export interface TaskServiceDependencies extends CreateJobDependencies {
  readonly planner: SchedulePlanner;
  readonly random: () => number;
}

export function createTaskServices(dependencies: TaskServiceDependencies): TaskServices {
  const { shard, store, announcer } = dependencies;
  const finish = createFinish(dependencies);
  const heartbeat = createHeartbeat(shard, announcer);
  return {
    taskStore: store,
    ...createTaskControls(shard),
    createJob: createCreateJob(dependencies),
    findJob: createFindJob(store),
    findTask: createFindTask(store),
    listJobs: createListJobs(shard),
    listTasks: createListTasks(shard),
    countJobs: createCountJobs(shard),
    countTasks: createCountTasks(shard),
    listTaskKinds: createListTaskKinds(shard),
    retryTask: createRetryTask(dependencies),
    retryFailedTasks: createRetryFailedTasks(dependencies),
    retryTasks: createRetryTasks(dependencies),
    updateTask: createUpdateTask(dependencies),
    updateTasks: createUpdateTasks(dependencies),
    cancelTask: createCancelTask(dependencies),
    cancelJob: createCancelJob(dependencies),
    ...createScheduleServices(dependencies),
    ...createTaskReports({ ...dependencies, finish, heartbeat }),
    taskHistory: createItemHistory(shard),
  };
}
