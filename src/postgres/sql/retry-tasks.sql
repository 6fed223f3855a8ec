-- Puts finished tasks back, with all their attempts before them again, and lets those run now that wait for their next
-- attempt. $1 namespace  $2 task ids uuid[]
-- $3 from where text[]: 'FAILED', 'CANCELLED', 'RETRYABLE'  $4 who text  $5 why text (or null)
-- One row a task that was put back. Of two that ask at the same time one finds it put back already. A task whose unique
-- key another open task has by now stays as it is; of several with one key the newest is put back. One that still waits
-- for others goes on waiting.
with finished as materialized (
  select t.id, t.namespace, t.topic_id, t.kind, t.priority, t.attempts, t.unique_key, t.waits_for, t.xmin as writer
    from tasks t
   where t.id = any ($2::uuid[]) and t.namespace = $1::text and t.outcome = any ($3::text[])
     and not exists (select from tasks o where o.namespace = t.namespace and o.kind = t.kind
                                           and o.unique_key = t.unique_key and o.outcome is null)
   order by t.id
     for update of t
), locked as materialized (
  select f.*
    from finished f
   where f.unique_key is null
      or f.id = (select max(o.id::text)::uuid from finished o where o.kind = f.kind and o.unique_key = f.unique_key)
), waiting as materialized (
  select i.id, i.namespace, i.topic_id, i.priority, i.attempt as attempts, i.xmin as writer
    from items i join tasks t on t.id = i.id
   where 'RETRYABLE' = any ($3::text[]) and i.id = any ($2::uuid[]) and i.namespace = $1::text
     and i.state = 'delayed' and i.deliver_after < 'infinity' and i.attempt > t.attempts_forgiven
   order by i.id
     for update of i
), moment as materialized (
  select clock_timestamp() as at from (select count(*) from locked l where comes_after(l.writer)) as l,
       (select count(*) from waiting w where comes_after(w.writer)) as after_the_locks
), task_rows as (
  update tasks t
     set outcome = null, finished_at = null, result = null, attempts_forgiven = l.attempts
    from locked l where t.id = l.id
), item_rows as (
  insert into items (id, namespace, topic_id, priority, deliver_after, state, attempt)
  select l.id, l.namespace, l.topic_id, l.priority, case when l.waits_for > 0 then 'infinity' else m.at end,
         case when l.waits_for > 0 then 'delayed' else 'ready' end, l.attempts
    from locked l cross join moment m
), due_rows as (
  update items i set state = 'ready', deliver_after = m.at
    from waiting w cross join moment m where i.id = w.id
), retried as materialized (
  select id, namespace, topic_id, priority, attempts, waits_for = 0 as is_ready from locked
  union all
  select id, namespace, topic_id, priority, attempts, true from waiting
), event_rows as (
  insert into events (position, namespace, topic_id, item_id, type, actor, at, attempt, reason)
  select (select event_position()), r.namespace, r.topic_id, r.id, 'RETRIED', $4::text, m.at, r.attempts, $5::text
    from retried r cross join moment m
)
select r.id as item_id, case when r.is_ready then 'released' else 'scheduled' end as outcome, r.topic_id, r.priority,
       m.at as deliver_after
  from retried r cross join moment m
