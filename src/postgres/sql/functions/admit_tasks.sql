-- How many of so many tasks of a topic may be claimed now: none while its kind or its namespace is paused, and no more
-- than their limits leave. Claims of what is limited stand in line here until they are committed, so that the count is
-- true over all workers; what nobody limits passes by.
create or replace function admit_tasks(task_topic integer, wanted integer) returns integer
language plpgsql volatile
as $$
declare
  place record;
  is_paused boolean;
  is_limited boolean;
  control task_controls;
  admitted integer := wanted;
  held bigint;
begin
  select t.namespace, t.name into place from topics t where t.id = task_topic;
  select bool_or(c.paused_at is not null and (c.paused_until is null or c.paused_until > clock_timestamp())),
         bool_or(c.concurrency_max is not null or c.rate_max is not null)
    into is_paused, is_limited
    from task_controls c where c.namespace = place.namespace and c.kind in ('*', place.name);
  if is_paused then
    return 0;
  end if;
  if is_limited is not true then
    return wanted;
  end if;
  for control in
    select * from task_controls c
     where c.namespace = place.namespace and c.kind in ('*', place.name)
       and (c.concurrency_max is not null or c.rate_max is not null)
     order by c.kind
       for update
  loop
    if control.concurrency_max is not null then
      select count(*) into held
        from items i
       where i.namespace = place.namespace and i.state = 'leased' and i.lease_expires_at > clock_timestamp()
         and (i.topic_id = task_topic
              or (control.kind = '*' and i.topic_id in (select t.id from topics t
                                                         where t.namespace = place.namespace and t.system = 'tasks')));
      admitted := least(admitted, greatest(0, control.concurrency_max - held));
    end if;
    if control.rate_max is not null then
      admitted := least(admitted, floor(task_tokens(control)));
    end if;
  end loop;
  return admitted;
end
$$;
