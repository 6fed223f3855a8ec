import type { AttemptOutcome, JobRecord, JobStatus, TaskAttempt, TaskRecord, TaskStatus } from '../domain/task.ts';
import { toDate } from '../postgres/sql.ts';

export interface JobRow {
  readonly id: string;
  readonly namespace: string;
  readonly kind: string;
  readonly external_id: string | null;
  readonly created_by: string;
  readonly created_at: string;
  readonly status: JobStatus;
}

export interface TaskRow {
  readonly id: string;
  readonly namespace: string;
  readonly job_id: string;
  readonly kind: string;
  readonly payload: unknown;
  readonly priority: number;
  readonly run_at: string;
  readonly max_attempts: number;
  readonly finished_at: string | null;
  readonly result: unknown;
  readonly error: string | null;
  readonly unique_key: string | null;
  readonly name: string | null;
  readonly waits_for: number;
  readonly attempts_counted: number;
  readonly status: TaskStatus;
  readonly next_run_at: string | null;
}

export interface AttemptRow {
  readonly task_id: string;
  readonly attempt: number;
  readonly worker: string;
  readonly started_at: string;
  readonly ended_at: string;
  readonly outcome: AttemptOutcome;
  readonly error: string | null;
}

export function toJob(row: JobRow): JobRecord {
  return {
    id: row.id,
    namespace: row.namespace,
    kind: row.kind,
    externalId: row.external_id,
    createdBy: row.created_by,
    createdAt: toDate(row.created_at),
    status: row.status,
  };
}

export function toTask(row: TaskRow): TaskRecord {
  return {
    id: row.id,
    namespace: row.namespace,
    jobId: row.job_id,
    kind: row.kind,
    payload: row.payload,
    priority: row.priority,
    status: row.status,
    runAt: toDate(row.run_at),
    nextRunAt: row.next_run_at === null ? null : toDate(row.next_run_at),
    attemptsCounted: row.attempts_counted,
    maxAttempts: row.max_attempts,
    finishedAt: row.finished_at === null ? null : toDate(row.finished_at),
    result: row.result,
    error: row.error,
    uniqueKey: row.unique_key,
    name: row.name,
    waitsFor: row.waits_for,
  };
}

export function toAttempt(row: AttemptRow): TaskAttempt {
  return {
    taskId: row.task_id,
    number: row.attempt,
    worker: row.worker,
    startedAt: toDate(row.started_at),
    endedAt: toDate(row.ended_at),
    outcome: row.outcome,
    error: row.error,
  };
}
