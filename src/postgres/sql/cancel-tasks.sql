-- Cancels open tasks, running ones too. $1 namespace  $2 task ids uuid[]  $3 who text  $4 why text (or null)
-- One row a task that was cancelled, with the ticket that stood for its lease, if one did. The items are locked in the
-- order in which workers lock them.
with locked as materialized (
  select i.id, i.namespace, i.topic_id, i.state, i.attempt, i.lease_holder, i.lease_acquired_at, i.ticket
    from items i join topics t on t.id = i.topic_id
   where i.id = any ($2::uuid[]) and i.namespace = $1::text and t.system = 'tasks'
   order by i.id
     for update of i
), moment as materialized (
  select clock_timestamp() as at from (select count(*) from locked) as after_the_locks
), ended as (
  delete from items i using locked l where i.id = l.id
), task_rows as (
  update tasks t set outcome = 'CANCELLED', finished_at = m.at, attempts = l.attempt
    from locked l cross join moment m where t.id = l.id
), attempt_rows as (
  insert into task_attempts (task_id, attempt, worker, started_at, ended_at, outcome, error)
  select l.id, l.attempt, l.lease_holder, l.lease_acquired_at, m.at, 'CANCELLED', $4::text
    from locked l cross join moment m where l.state = 'leased'
  on conflict do nothing
), event_rows as (
  insert into events (position, namespace, topic_id, item_id, type, actor, at, attempt, reason)
  select (select event_position()), l.namespace, l.topic_id, l.id, 'CANCELLED', $3::text, m.at, l.attempt, $4::text
    from locked l cross join moment m
)
select id, ticket from locked
