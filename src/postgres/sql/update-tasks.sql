-- Changes tasks that wait. $1 namespace  $2 task ids uuid[]  $3 priority integer (null: as it is)
-- $4 when to run timestamptz (null: as it is)  $5 payload text (JSON; null: as it is)  $6 who text  $7 why text (or null)
-- One row a task that was changed: 'released' when it became ready, else 'kept' or 'scheduled'. Running and finished
-- tasks stay as they are; what waits for other tasks goes on waiting for them, and then for its new time.
with locked as materialized (
  select i.id, i.namespace, i.topic_id, i.state, i.attempt, i.priority, i.deliver_after, i.xmin as writer
    from items i join topics t on t.id = i.topic_id
   where i.id = any ($2::uuid[]) and i.namespace = $1::text and t.system = 'tasks' and i.state <> 'leased'
   order by i.id
     for update of i
), moment as materialized (
  select clock_timestamp() as at from (select count(*) from locked l where comes_after(l.writer)) as after_the_locks
), wanted as materialized (
  select l.*, m.at, l.state as state_before, coalesce($3::integer, l.priority) as new_priority,
         case when $4::timestamptz is null or l.deliver_after = 'infinity' then l.deliver_after
              else greatest($4::timestamptz, m.at) end as due,
         case when $4::timestamptz is null or l.deliver_after = 'infinity' then l.state
              when $4::timestamptz > m.at then 'delayed' else 'ready' end as new_state
    from locked l cross join moment m
), item_rows as (
  update items i set priority = w.new_priority, deliver_after = w.due, state = w.new_state from wanted w where i.id = w.id
), task_rows as (
  update tasks t
     set priority = w.new_priority, payload = coalesce($5::json, t.payload),
         run_at = case when $4::timestamptz is null or w.attempt > t.attempts_forgiven then t.run_at
                       else greatest($4::timestamptz, w.at) end
    from wanted w where t.id = w.id
), event_rows as (
  insert into events (position, namespace, topic_id, item_id, type, actor, at, attempt, reason)
  select (select event_position()), w.namespace, w.topic_id, w.id, 'UPDATED', $6::text, w.at, w.attempt,
         concat_ws('; ', case when $3::integer is not null then format('priority %s, was %s', w.new_priority, w.priority) end,
                   case when $4::timestamptz is not null
                        then to_char(greatest($4::timestamptz, w.at) at time zone 'UTC', '"to run at "YYYY-MM-DD"T"HH24:MI:SS"Z"') end,
                   case when $5::text is not null then 'new payload' end, $7::text)
    from wanted w
)
select id as item_id, topic_id, new_priority as priority, due as deliver_after,
       case when new_state = 'delayed' then 'scheduled' when state_before = 'delayed' then 'released' else 'kept' end as outcome
  from wanted
