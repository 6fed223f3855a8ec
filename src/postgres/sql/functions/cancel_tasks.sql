-- Cancels open tasks, running ones too. One row a task that was cancelled: 'cancelled', with the ticket that stood for
-- its lease, if one did. Then one row for each task that had waited for one of these and waits no more: 'released', or
-- 'scheduled' when its time has not come. The items are locked in the order in which workers lock them.
create or replace function cancel_tasks(task_namespace text, task_ids uuid[], who text, why text) returns table (
  outcome text,
  item_id uuid,
  ticket text,
  topic_id integer,
  priority integer,
  deliver_after timestamptz
)
language plpgsql volatile
as $$
#variable_conflict use_column
declare
  answer record;
  awaited uuid[] := '{}';
begin
  for answer in
    with locked as materialized (
      select i.id, i.namespace, i.topic_id, i.state, i.attempt, i.lease_holder, i.lease_acquired_at, i.ticket, i.xmin as writer
        from items i join topics t on t.id = i.topic_id
       where i.id = any (task_ids) and i.namespace = task_namespace and t.system = 'tasks'
       order by i.id
         for update of i
    ), moment as materialized (
      select clock_timestamp() as at from (select count(*) from locked l where comes_after(l.writer)) as after_the_locks
    ), ended as (
      delete from items i using locked l where i.id = l.id
    ), task_rows as (
      update tasks t set outcome = 'CANCELLED', finished_at = m.at, attempts = l.attempt
        from locked l cross join moment m where t.id = l.id
      returning t.id, t.is_awaited
    ), attempt_rows as (
      insert into task_attempts (task_id, attempt, worker, started_at, ended_at, outcome, error)
      select l.id, l.attempt, l.lease_holder, l.lease_acquired_at, m.at, 'CANCELLED', why
        from locked l cross join moment m where l.state = 'leased'
      on conflict do nothing
    ), event_rows as (
      insert into events (position, namespace, topic_id, item_id, type, actor, at, attempt, reason)
      select (select event_position()), l.namespace, l.topic_id, l.id, 'CANCELLED', who, m.at, l.attempt, why
        from locked l cross join moment m
    )
    select l.id, l.ticket, r.is_awaited from locked l left join task_rows r on r.id = l.id
  loop
    outcome := 'cancelled';
    item_id := answer.id;
    ticket := answer.ticket;
    return next;
    if answer.is_awaited then
      awaited := awaited || answer.id;
    end if;
  end loop;
  if cardinality(awaited) > 0 then
    return query
      select case when s.is_ready then 'released' else 'scheduled' end, s.item_id, null::text, s.topic_id, s.priority,
             s.deliver_after
        from settle_dependents(awaited, array_fill('CANCELLED'::text, array[cardinality(awaited)])) s;
  end if;
end
$$;
