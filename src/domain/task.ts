/**
 * SCHEDULED waits for its time, AVAILABLE for a worker, RUNNING is held by one, RETRYABLE failed and waits for its next
 * attempt. SUCCEEDED, FAILED and CANCELLED are the end; a retry by hand makes a failed or cancelled one AVAILABLE again.
 * `sql/functions/task_status.sql` tells it from the rows.
 */
export const taskStatuses = [
  'SCHEDULED',
  'AVAILABLE',
  'RUNNING',
  'RETRYABLE',
  'SUCCEEDED',
  'FAILED',
  'CANCELLED',
] as const;
export type TaskStatus = (typeof taskStatuses)[number];

/** A job's status follows from those of its tasks; `sql/functions/job_status.sql` has the rule. */
export const jobStatuses = ['OPEN', 'SUCCEEDED', 'PARTIALLY_FAILED', 'FAILED', 'CANCELLED'] as const;
export type JobStatus = (typeof jobStatuses)[number];

/**
 * Why a task waits. TIME: its own has not come; RETRY: that of its next attempt; DEPENDENCIES: other tasks of its job
 * come first; PAUSED, CONCURRENCY_LIMIT and RATE_LIMIT hold its kind or namespace back; WORKER: it is next in line.
 */
export const waitReasons = [
  'TIME',
  'RETRY',
  'DEPENDENCIES',
  'PAUSED',
  'CONCURRENCY_LIMIT',
  'RATE_LIMIT',
  'WORKER',
] as const;
export type WaitReason = (typeof waitReasons)[number];

/** How an attempt ended. LOST: its worker gave no answer before its lease ended. RETURNED: given back unfinished. */
export const attemptOutcomes = ['SUCCEEDED', 'FAILED', 'LOST', 'RETURNED', 'CANCELLED'] as const;
export type AttemptOutcome = (typeof attemptOutcomes)[number];

export const taskEventTypes = [
  'CREATED',
  'CLAIMED',
  'LEASE_EXTENDED',
  'LEASE_EXPIRED',
  'RELEASED',
  'RETRY_SCHEDULED',
  'SUCCEEDED',
  'FAILED',
  'RETRIED',
  'UPDATED',
  'CANCELLED',
] as const;
export type TaskEventType = (typeof taskEventTypes)[number];

export interface JobRecord {
  readonly id: string;
  readonly namespace: string;
  readonly kind: string;
  readonly externalId: string | null;
  readonly createdBy: string;
  readonly createdAt: Date;
  readonly status: JobStatus;
}

export interface TaskRecord {
  readonly id: string;
  readonly namespace: string;
  readonly jobId: string;
  readonly kind: string;
  readonly payload: unknown;
  readonly priority: number;
  readonly status: TaskStatus;
  /** When it was first to run. */
  readonly runAt: Date;
  /** When it runs next, while it waits for its time. */
  readonly nextRunAt: Date | null;
  /** Attempts of the present round: a retry by hand begins a new one. */
  readonly attemptsCounted: number;
  readonly maxAttempts: number;
  readonly finishedAt: Date | null;
  readonly result: unknown;
  /** What the last attempt that failed said. */
  readonly error: string | null;
  /** While the task is unfinished no other of its kind has the same. */
  readonly uniqueKey: string | null;
  /** By which other tasks of its job name it. */
  readonly name: string | null;
  /** How many tasks of its job it still waits for. */
  readonly waitsFor: number;
}

export interface TaskAttempt {
  readonly taskId: string;
  /** Rises with every claim, over all rounds. */
  readonly number: number;
  readonly worker: string;
  readonly startedAt: Date;
  readonly endedAt: Date;
  readonly outcome: AttemptOutcome;
  readonly error: string | null;
}
