-- The tasks that follow from decisions, in the same statement. See ../decide-cases.sql and loadStatementWith.
-- $9 ids of the jobs uuid[], one an entry (null: none)
-- their tasks: $10 entry numbers int[]  $11 ids uuid[]  $12 topic ids int[]  $13 kinds text[]  $14 payloads text[] (JSON)
-- $15 attempts at most int[]  $16 places int[]  $17 traceparents text[] (or null)
, job as materialized (
  select j.id, a.n, a.id as case_id, a.namespace, a.holder as creator, c.priority as priority, a.at
    from unnest($9::uuid[]) with ordinality as j (id, n)
    join accepted a on a.n = j.n
    join cases c on c.id = a.id
   where j.id is not null
), job_rows as (
  insert into jobs (id, namespace, kind, external_id, created_by, created_at)
  select id, namespace, 'case-decided', case_id::text, creator, at from job
), task as materialized (
  select t.*, j.id as job_id, j.namespace, j.creator, j.priority, j.at
    from unnest($10::integer[], $11::uuid[], $12::integer[], $13::text[], $14::text[], $15::integer[], $16::integer[],
                $17::text[])
         as t (n, id, topic_id, kind, payload, max_attempts, place, traceparent)
    join job j on j.n = t.n
), task_rows as (
  insert into tasks (id, namespace, job_id, place, topic_id, kind, payload, priority, run_at, max_attempts, traceparent)
  select id, namespace, job_id, place, topic_id, kind, payload::json, priority, at, max_attempts, traceparent from task
), task_items as (
  insert into items (id, namespace, topic_id, priority, deliver_after, state)
  select id, namespace, topic_id, priority, at, 'ready' from task
), task_events as (
  insert into events (position, namespace, topic_id, item_id, type, actor, at)
  select (select event_position()), namespace, topic_id, id, 'CREATED', creator, at from task
)
