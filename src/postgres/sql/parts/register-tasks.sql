-- The tasks that follow from registrations, in the same statement. See ../register-cases.sql and loadStatementWith.
-- $17 ids of the jobs uuid[], one an entry (null: none)
-- their tasks: $18 entry numbers int[]  $19 ids uuid[]  $20 topic ids int[]  $21 kinds text[]  $22 payloads text[] (JSON)
-- $23 attempts at most int[]  $24 places int[]  $25 traceparents text[] (or null)
, job as materialized (
  select j.id, a.n, a.id as case_id, a.namespace, a.registrant as creator, a.priority as priority, a.at
    from unnest($17::uuid[]) with ordinality as j (id, n)
    join accepted a on a.n = j.n
   where j.id is not null
), job_rows as (
  insert into jobs (id, namespace, kind, external_id, created_by, created_at)
  select id, namespace, 'case-registered', case_id::text, creator, at from job
), task as materialized (
  select t.*, j.id as job_id, j.namespace, j.creator, j.priority, j.at
    from unnest($18::integer[], $19::uuid[], $20::integer[], $21::text[], $22::text[], $23::integer[], $24::integer[],
                $25::text[])
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
