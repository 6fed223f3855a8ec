-- Pauses or deletes a schedule, and cancels its next run. Whether there was one in that state.
create or replace function hold_task_schedule(
  schedule_namespace text,
  schedule_name text,
  removes boolean,
  who text,
  why text
) returns boolean
language plpgsql volatile
as $$
declare
  s task_schedules;
begin
  select * into s from task_schedules c where c.namespace = schedule_namespace and c.name = schedule_name for update;
  if s.id is null or (s.paused_at is not null and not removes) then
    return false;
  end if;
  perform drop_schedule_run(s.namespace, s.next_task_id, who, coalesce(why, 'its schedule was ' || case when removes then 'deleted' else 'paused' end));
  if removes then
    delete from task_schedules c where c.id = s.id;
  else
    update task_schedules c
       set paused_at = clock_timestamp(), paused_by = who, pause_reason = why, revision = c.revision + 1,
           next_task_id = null, next_at = null
     where c.id = s.id;
  end if;
  insert into task_control_changes (namespace, kind, action, actor, reason, at)
  values (s.namespace, 'schedule ' || s.name, case when removes then 'deleted' else 'paused' end, who, why, clock_timestamp());
  return true;
end
$$;
