-- Puts finished tasks back, with all their attempts before them again.
-- $1 namespace  $2 task ids uuid[]  $3 the outcomes from which it may be text[]  $4 who text  $5 why text (or null)
-- One row a task that was put back. Of two that ask at the same time one finds it put back already.
with locked as materialized (
  select t.id, t.namespace, t.topic_id, t.priority, t.attempts
    from tasks t
   where t.id = any ($2::uuid[]) and t.namespace = $1::text and t.outcome = any ($3::text[])
   order by t.id
     for update
), moment as materialized (
  select clock_timestamp() as at from (select count(*) from locked) as after_the_locks
), task_rows as (
  update tasks t
     set outcome = null, finished_at = null, result = null, attempts_forgiven = l.attempts
    from locked l where t.id = l.id
), item_rows as (
  insert into items (id, namespace, topic_id, priority, deliver_after, state, attempt)
  select l.id, l.namespace, l.topic_id, l.priority, m.at, 'ready', l.attempts from locked l cross join moment m
), event_rows as (
  insert into events (position, namespace, topic_id, item_id, type, actor, at, attempt, reason)
  select (select event_position()), l.namespace, l.topic_id, l.id, 'RETRIED', $4::text, m.at, l.attempts, $5::text
    from locked l cross join moment m
)
select l.id, l.topic_id, l.priority, m.at as deliver_after from locked l cross join moment m
