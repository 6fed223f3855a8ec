import { Migration } from '@mikro-orm/migrations';

/** What lets producers and operators steer tasks: unique keys, an order among a job's tasks, and lists by what failed. */
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
  }

  override down(): void {
    this.addSql(`drop table task_dependencies`);
    this.addSql(`drop index tasks_failed_newest, tasks_key, tasks_key_held`);
    this.addSql(
      `alter table tasks drop column unique_key, drop column name, drop column traceparent, drop column waits_for,
         drop column failure_rule, drop column is_awaited`,
    );
  }
}
