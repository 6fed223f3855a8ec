-- Saves a schedule and plans its next run anew. expected_revision: as it was read, null when there was none.
-- As plan_schedule_run: 'ready', 'scheduled', 'stale'; or 'paused', when it is and has no next run.
create or replace function save_task_schedule(
  schedule uuid,
  new_namespace text,
  new_name text,
  expected_revision integer,
  new_kind text,
  new_payload text,
  new_priority integer,
  new_max_attempts integer,
  new_cron text,
  new_every text,
  new_anchor text,
  new_time_zone text,
  new_catch_up text,
  who text,
  new_run_at timestamptz,
  new_job uuid,
  new_task uuid,
  new_topic integer
) returns text
language plpgsql volatile
as $$
declare
  s task_schedules;
begin
  if expected_revision is null then
    insert into task_schedules (id, namespace, name, kind, payload, priority, max_attempts, cron, every, anchor, time_zone,
                                catch_up, saved_by)
    values (schedule, new_namespace, new_name, new_kind, new_payload::json, new_priority, new_max_attempts, new_cron,
            new_every, new_anchor, new_time_zone, new_catch_up, who)
    on conflict (namespace, name) do nothing
    returning * into s;
  else
    select * into s from task_schedules c where c.id = schedule and c.revision = expected_revision for update;
    if s.id is not null then
      perform drop_schedule_run(s.namespace, s.next_task_id, who, 'its schedule was changed');
      update task_schedules c
         set kind = new_kind, payload = new_payload::json, priority = new_priority, max_attempts = new_max_attempts,
             cron = new_cron, every = new_every, anchor = new_anchor, time_zone = new_time_zone, catch_up = new_catch_up,
             saved_by = who, revision = c.revision + 1, next_task_id = null, next_at = null
       where c.id = schedule
      returning * into s;
    end if;
  end if;
  if s.id is null then
    return 'stale';
  end if;
  insert into task_control_changes (namespace, kind, action, actor, at)
  values (s.namespace, 'schedule ' || s.name, 'saved', who, clock_timestamp());
  if s.paused_at is not null then
    return 'paused';
  end if;
  return plan_schedule_run(s.id, s.revision, null, false, new_run_at, new_job, new_task, new_topic);
end
$$;
