-- Cancels the task that stands for a schedule's next run, unless it runs already.
create or replace function drop_schedule_run(task_namespace text, task uuid, who text, why text) returns void
language plpgsql volatile
as $$
declare
  waiting boolean;
begin
  select i.state <> 'leased' into waiting from items i where i.id = task for update;
  if waiting then
    perform cancel_tasks(task_namespace, array[task], who, why);
  end if;
end
$$;
