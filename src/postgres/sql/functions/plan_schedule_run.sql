-- Creates the task of a schedule's next run, if the schedule still stands as expected: its revision, and the task that
-- stood for its next run until now. With skip that one is cancelled, for it missed its time.
-- 'ready' or 'scheduled', or 'stale' when somebody else was quicker, and nothing was changed.
create or replace function plan_schedule_run(
  schedule uuid,
  expected_revision integer,
  expected_task uuid,
  skip boolean,
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
  update task_schedules c set next_task_id = new_task, next_at = new_run_at
   where c.id = schedule and c.revision = expected_revision and c.next_task_id is not distinct from expected_task
     and c.paused_at is null
  returning * into s;
  if s.id is null then
    return 'stale';
  end if;
  if skip then
    perform cancel_tasks(s.namespace, array[expected_task], 'caseload', 'it missed its time');
  end if;
  perform create_jobs(
    array[new_job], array[s.namespace], array['periodic'], array[s.name], array[s.saved_by], array[null::text],
    array[null::text], array[1], array[new_task], array[new_topic], array[s.kind], array[s.payload::text],
    array[s.priority], array[new_run_at], array[s.max_attempts], array[0], array[null::text], array[null::text],
    array[null::text], array[null::text], '{}'::uuid[], '{}'::uuid[]);
  update tasks t set schedule_id = s.id where t.id = new_task;
  return (select case i.state when 'ready' then 'ready' else 'scheduled' end from items i where i.id = new_task);
end
$$;
