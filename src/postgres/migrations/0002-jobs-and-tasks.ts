import { Migration } from '@mikro-orm/migrations';

/**
 * Jobs and their tasks. While a task is open its item says how it stands, so that a claim writes nothing here; a task's
 * row is written when it is created, fails or ends. Finished tasks have no item.
 */
export class Migration0002JobsAndTasks extends Migration {
  override up(): void {
    this.addSql(`
      create table jobs (
        id uuid primary key,
        namespace text not null,
        kind text not null,
        external_id text,
        created_by text not null,
        created_at timestamptz not null
      )`);
    this.addSql(`create index jobs_namespace on jobs (namespace, id)`);
    this.addSql(`create index jobs_external on jobs (namespace, external_id, id) where external_id is not null`);
    this.addSql(`
      create table tasks (
        id uuid primary key,
        namespace text not null,
        job_id uuid not null,
        -- place among the tasks of its job
        place integer not null,
        topic_id integer not null,
        kind text not null,
        payload json not null,
        priority integer not null,
        run_at timestamptz not null,
        max_attempts integer not null check (max_attempts between 1 and 100),
        -- how often it had been claimed when it ended; while it is open its item counts on from here
        attempts integer not null default 0,
        -- attempts that do not count: those before the last retry by hand, and those that were given back unfinished
        attempts_forgiven integer not null default 0,
        outcome text check (outcome in ('SUCCEEDED', 'FAILED', 'CANCELLED')),
        finished_at timestamptz,
        result json,
        -- the last one
        error text,
        constraint finished_tasks_have_an_end check ((outcome is null) = (finished_at is null))
      ) with (fillfactor = 80)`);
    this.addSql(`create index tasks_job on tasks (job_id, place)`);
    this.addSql(`create index tasks_namespace on tasks (namespace, id)`);
    this.addSql(`create index tasks_failed on tasks (namespace, kind, id) where outcome = 'FAILED'`);
    this.addSql(`
      create table task_attempts (
        task_id uuid not null,
        attempt integer not null,
        worker text not null,
        started_at timestamptz not null,
        ended_at timestamptz not null,
        outcome text not null check (outcome in ('SUCCEEDED', 'FAILED', 'LOST', 'RETURNED', 'CANCELLED')),
        error text,
        primary key (task_id, attempt)
      )`);
  }

  override down(): void {
    this.addSql(`drop table task_attempts, tasks, jobs`);
  }
}
