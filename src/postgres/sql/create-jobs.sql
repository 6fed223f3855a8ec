-- Creates a batch of jobs, each whole or not at all: the job, its tasks, their items and first events.
-- $1 ids uuid[]  $2 namespaces text[]  $3 kinds text[]  $4 external ids text[] (or null)  $5 creators text[]
-- $6 idempotency keys text[] (or null)  $7 request hashes text[]
-- tasks of all jobs: $8 job numbers int[] (from 1)  $9 ids uuid[]  $10 topic ids int[]  $11 kinds text[]
-- $12 payloads text[] (JSON)  $13 priorities int[]  $14 when to run timestamptz[] (null: at once)
-- $15 attempts at most int[]  $16 places int[]
-- One row a job: outcome 'created', or 'key' (the idempotency key was used before). For each created job its moment.
with moment as materialized (
  select clock_timestamp() as at
), entry as materialized (
  select e.*, m.at
    from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
         with ordinality as e (id, namespace, kind, external_id, creator, idempotency_key, request_hash, n)
   cross join moment m
), keyed as (
  insert into idempotency_keys (namespace, actor, operation, key, request_hash, result_id)
  select namespace, creator, 'createJob', idempotency_key, request_hash, id from entry where idempotency_key is not null
  on conflict do nothing
  returning result_id
), accepted as materialized (
  select * from entry where idempotency_key is null or id in (select result_id from keyed)
), task as materialized (
  select t.*, a.id as job_id, a.namespace, a.creator, a.at, greatest(t.run_at, a.at) as due
    from unnest($8::integer[], $9::uuid[], $10::integer[], $11::text[], $12::text[], $13::integer[], $14::timestamptz[],
                $15::integer[], $16::integer[])
         as t (n, id, topic_id, kind, payload, priority, run_at, max_attempts, place)
    join accepted a on a.n = t.n
), job_rows as (
  insert into jobs (id, namespace, kind, external_id, created_by, created_at)
  select id, namespace, kind, external_id, creator, at from accepted
), task_rows as (
  insert into tasks (id, namespace, job_id, place, topic_id, kind, payload, priority, run_at, max_attempts)
  select id, namespace, job_id, place, topic_id, kind, payload::json, priority, due, max_attempts from task
), item_rows as (
  insert into items (id, namespace, topic_id, priority, deliver_after, state)
  select id, namespace, topic_id, priority, due, case when due > at then 'delayed' else 'ready' end from task
), event_rows as (
  insert into events (position, namespace, topic_id, item_id, type, actor, at)
  select (select event_position()), namespace, topic_id, id, 'CREATED', creator, at from task
)
select e.n::integer as n, case when a.id is null then 'key' else 'created' end as outcome, e.at
  from entry e left join accepted a on a.n = e.n
