import { Migration } from '@mikro-orm/migrations';

/**
 * What operators did that is no event of a case, task, item or digest: pauses, limits and settings, and mails that were
 * settled by hand. It lies beside the events and has places in the same order, so that the audit log reads both as one.
 */
export class Migration0008OperatorActs extends Migration {
  override up(): void {
    this.addSql(`
      create table operator_acts (
        -- of the writing transaction, as of events
        position bigint not null,
        sequence bigint not null default nextval('events_sequence_seq'),
        namespace text not null,
        system text not null check (system in ('tasks', 'queue', 'digests', 'mails')),
        -- the name of the topic, kind, schedule or recipient
        about text not null,
        -- the id of what has a page of its own, else the name once more
        about_id text not null,
        type text not null,
        actor text not null,
        at timestamptz not null default clock_timestamp(),
        reason text,
        -- it was done on every shard, and the first one tells of it
        everywhere boolean not null,
        primary key (position, sequence)
      )`);
    this.addSql(`alter table topics add column paused_by text`);
    this.addSql(`alter table recipients add column paused_by text`);
    // Whatever is noted of a kind or schedule is an act, too.
    this.addSql(`
      create function note_control_change() returns trigger language plpgsql as $$
      begin
        insert into operator_acts (position, namespace, system, about, about_id, type, actor, at, reason, everywhere)
        values (event_position(), new.namespace, 'tasks', case new.kind when '*' then 'all kinds' else new.kind end, new.kind,
                upper(split_part(new.action, ' ', 1)), new.actor, new.at,
                -- 'limited to 5 at once, …' says more than its first word
                nullif(concat_ws(': ', nullif(substr(new.action, length(split_part(new.action, ' ', 1)) + 2), ''), new.reason), ''),
                new.kind not like 'schedule %');
        return null;
      end
      $$`);
    this.addSql(`
      create trigger note_control_change after insert on task_control_changes
        for each row execute function note_control_change()`);
  }

  override down(): void {
    this.addSql(`drop trigger note_control_change on task_control_changes`);
    this.addSql(`drop function note_control_change()`);
    this.addSql(`alter table recipients drop column paused_by`);
    this.addSql(`alter table topics drop column paused_by`);
    this.addSql(`drop table operator_acts`);
  }
}
