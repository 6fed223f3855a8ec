-- Tells the tasks that wait for others that these have ended. Whoever waited for the last one is released; whoever is to
-- be cancelled when one fails is, and so are those that wait for it in turn. A task that failed without either keeps its
-- dependents waiting: a retry may still let it succeed. One row a task that was released.
create or replace function settle_dependents(ended uuid[], outcomes text[]) returns table (
  item_id uuid,
  topic_id integer,
  priority integer,
  deliver_after timestamptz,
  is_ready boolean
)
language plpgsql volatile
as $$
#variable_conflict use_column
declare
  over_ids uuid[] := ended;
  over_outcomes text[] := outcomes;
begin
  while cardinality(over_ids) > 0 loop
    -- In the order in which everybody locks: items first.
    perform from items i
      where i.id in (select d.task_id from task_dependencies d where d.target_id = any (over_ids) and not d.settled)
      order by i.id for update;
    return query
      with edge as (
        update task_dependencies d set settled = true
          from unnest(over_ids, over_outcomes) as o (id, outcome), tasks t
         where d.target_id = o.id and t.id = d.task_id and not d.settled
           and (o.outcome = 'SUCCEEDED' or t.failure_rule = 'RUN')
        returning d.task_id
      ), freed as (
        update tasks t set waits_for = t.waits_for - c.settled
          from (select task_id, count(*)::integer as settled from edge group by task_id) c
         where t.id = c.task_id
        returning t.id, t.waits_for, t.run_at
      ), moment as materialized (
        select clock_timestamp() as at
      ), released as (
        update items i
           set deliver_after = greatest(f.run_at, m.at), state = case when f.run_at > m.at then 'delayed' else 'ready' end
          from freed f, moment m
         where f.waits_for = 0 and i.id = f.id and i.state = 'delayed' and i.deliver_after = 'infinity'
        returning i.id, i.topic_id, i.priority, i.deliver_after, i.state
      )
      select id, topic_id, priority, deliver_after, state = 'ready' from released;
    with doomed as materialized (
      select i.id, i.namespace, i.topic_id, t.is_awaited, clock_timestamp() as at
        from tasks t join items i on i.id = t.id
       where t.failure_rule = 'CANCEL' and i.state = 'delayed' and i.deliver_after = 'infinity'
         and t.id in (select d.task_id from task_dependencies d join unnest(over_ids, over_outcomes) as o (id, outcome)
                          on o.id = d.target_id and o.outcome <> 'SUCCEEDED' and not d.settled)
    ), gone as (
      delete from items i using doomed d where i.id = d.id
    ), task_rows as (
      update tasks t set outcome = 'CANCELLED', finished_at = d.at, error = 'A task that it waited for did not succeed'
        from doomed d where t.id = d.id
    ), event_rows as (
      insert into events (position, namespace, topic_id, item_id, type, actor, at, reason)
      select (select event_position()), d.namespace, d.topic_id, d.id, 'CANCELLED', 'caseload', d.at,
             'A task that it waited for did not succeed'
        from doomed d
    )
    select coalesce(array_agg(d.id) filter (where d.is_awaited), '{}') into over_ids from doomed d;
    over_outcomes := array_fill('CANCELLED'::text, array[cardinality(over_ids)]);
  end loop;
end
$$;
