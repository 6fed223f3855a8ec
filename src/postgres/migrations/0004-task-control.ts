import { Migration } from '@mikro-orm/migrations';

/** What lets producers and operators steer tasks: unique keys, an order among a job's tasks, pauses and limits,
 * schedules. */
export class Migration0004TaskControl extends Migration {
  override up(): void {
    this.addSql(`
      alter table tasks
        -- while the task is unfinished no other of its kind has the same
        add column unique_key text,
        -- by which other tasks of its job name it
        add column name text,
        -- W3C trace context of the request that created it
        add column traceparent text,
        -- how many tasks of its job it still waits for; while there are any, its item is never due
        add column waits_for integer not null default 0 check (waits_for >= 0),
        -- what becomes of it when one of them fails: null goes on waiting, until that one is retried
        add column failure_rule text check (failure_rule in ('CANCEL', 'RUN')),
        -- whether others wait for it, so that those for which nobody does pay nothing
        add column is_awaited boolean not null default false`);
    // The rule itself: of the unfinished tasks of a kind one may carry a key.
    this.addSql(
      `create unique index tasks_key_held on tasks (namespace, kind, unique_key)
        where unique_key is not null and outcome is null`,
    );
    // For keys that are held for a time, whether their task has ended or not.
    this.addSql(`create index tasks_key on tasks (namespace, kind, unique_key, id) where unique_key is not null`);
    this.addSql(`create index tasks_failed_newest on tasks (namespace, id) where outcome = 'FAILED'`);
    this.addSql(`
      create table task_dependencies (
        task_id uuid not null,
        -- what it waits for
        target_id uuid not null,
        -- that one has ended, and has been counted
        settled boolean not null default false,
        primary key (task_id, target_id)
      )`);
    this.addSql(`create index task_dependencies_target on task_dependencies (target_id)`);
    this.addSql(`
      create table task_controls (
        namespace text not null,
        -- '*' for all kinds of the namespace
        kind text not null,
        paused_at timestamptz,
        paused_until timestamptz,
        paused_by text,
        pause_reason text,
        -- how many run at once, over all workers
        concurrency_max integer check (concurrency_max > 0),
        -- how many may begin within a time: a bucket of tokens that fills up evenly
        rate_max integer check (rate_max > 0),
        rate_seconds integer check (rate_seconds > 0),
        tokens double precision,
        refilled_at timestamptz,
        primary key (namespace, kind),
        constraint rates_have_a_bucket check (
          (rate_max is null) = (rate_seconds is null) and (rate_max is null or (tokens is not null and refilled_at is not null))
        )
      ) with (fillfactor = 50)`);
    this.addSql(`
      create table task_control_changes (
        id bigint generated always as identity primary key,
        namespace text not null,
        kind text not null,
        action text not null,
        actor text not null,
        reason text,
        at timestamptz not null
      )`);
    this.addSql(`create index task_control_changes_kind on task_control_changes (namespace, kind, id)`);
    this.addSql(`
      create table task_schedules (
        id uuid primary key,
        namespace text not null,
        name text not null,
        kind text not null,
        payload json not null,
        priority integer not null,
        max_attempts integer not null,
        -- as they were given: either a cron expression, or a duration with or without a time from which it is counted
        cron text,
        every text,
        anchor text,
        time_zone text not null,
        catch_up text not null check (catch_up in ('NONE', 'ONE', 'ALL')),
        saved_by text not null,
        paused_at timestamptz,
        paused_by text,
        pause_reason text,
        -- rises with every change, so that a run that was planned from an old state is not created
        revision integer not null default 1,
        -- the task that stands for the next run, and the time for which it was planned
        next_task_id uuid,
        next_at timestamptz,
        unique (namespace, name),
        constraint schedules_have_one_rhythm check ((cron is null) <> (every is null))
      ) with (fillfactor = 80)`);
    this.addSql(`alter table tasks add column schedule_id uuid`);
    this.addSql(`create index tasks_schedule on tasks (schedule_id, id) where schedule_id is not null`);
  }

  override down(): void {
    this.addSql(`alter table tasks drop column schedule_id`);
    this.addSql(`drop table task_schedules cascade`);
    this.addSql(`drop table task_control_changes, task_controls cascade`);
    this.addSql(`drop table task_dependencies`);
    this.addSql(`drop index tasks_failed_newest, tasks_key, tasks_key_held`);
    this.addSql(
      `alter table tasks drop column unique_key, drop column name, drop column traceparent, drop column waits_for,
         drop column failure_rule, drop column is_awaited`,
    );
  }
}
