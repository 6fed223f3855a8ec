-- Creates a batch of jobs, each whole or not at all: the job, its tasks, their items and first events.
-- Jobs: ids, namespaces, kinds, external ids (or null), creators, idempotency keys (or null), request hashes.
-- Tasks of all jobs, arrays in parallel: task_jobs (numbers from 1), ids, topics, kinds, payloads (JSON), priorities,
-- run_ats (null: at once), attempts_max, places, names (or null), unique keys (or null; `create_keyed_job` is the way in
-- for them), traceparents (or null), failure_rules (what becomes of it when what it waits for fails, or null).
-- Edges: edge_tasks wait for edge_targets.
-- One row a job: outcome 'created', or 'key' (the idempotency key was used before), and its moment. A task that waits
-- for others has an item that is never due until the last of them has ended.
create or replace function create_jobs(
  job_ids uuid[],
  namespaces text[],
  kinds text[],
  external_ids text[],
  creators text[],
  idempotency_keys text[],
  request_hashes text[],
  task_jobs integer[],
  task_ids uuid[],
  task_topics integer[],
  task_kinds text[],
  payloads text[],
  priorities integer[],
  run_ats timestamptz[],
  attempts_max integer[],
  places integer[],
  names text[],
  unique_keys text[],
  traceparents text[],
  failure_rules text[],
  edge_tasks uuid[],
  edge_targets uuid[]
) returns table (n integer, outcome text, at timestamptz)
language plpgsql volatile
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
  return query
    with moment as materialized (
      select clock_timestamp() as at
    ), entry as materialized (
      select e.*, m.at
        from unnest(job_ids, namespaces, kinds, external_ids, creators, idempotency_keys, request_hashes)
             with ordinality as e (id, namespace, kind, external_id, creator, idempotency_key, request_hash, n)
       cross join moment m
    ), keyed as (
      insert into idempotency_keys (namespace, actor, operation, key, request_hash, result_id)
      select namespace, creator, 'createJob', idempotency_key, request_hash, id from entry where idempotency_key is not null
      on conflict do nothing
      returning result_id
    ), accepted as materialized (
      select * from entry where idempotency_key is null or id in (select result_id from keyed)
    ), edge as materialized (
      select * from unnest(edge_tasks, edge_targets) as e (task, target)
    ), task as materialized (
      select t.*, a.id as job_id, a.namespace, a.creator, a.at, greatest(t.run_at, a.at) as run_first,
             (select count(*)::integer from edge e where e.task = t.id) as waits_for,
             exists (select from edge e where e.target = t.id) as is_awaited
        from unnest(task_jobs, task_ids, task_topics, task_kinds, payloads, priorities, run_ats, attempts_max, places,
                    names, unique_keys, traceparents, failure_rules)
             as t (n, id, topic_id, kind, payload, priority, run_at, max_attempts, place, name, unique_key, traceparent,
                   failure_rule)
        join accepted a on a.n = t.n
    ), job_rows as (
      insert into jobs (id, namespace, kind, external_id, created_by, created_at)
      select id, namespace, kind, external_id, creator, at from accepted
    ), task_rows as (
      insert into tasks (id, namespace, job_id, place, topic_id, kind, payload, priority, run_at, max_attempts, name,
                         unique_key, traceparent, failure_rule, waits_for, is_awaited)
      select id, namespace, job_id, place, topic_id, kind, payload::json, priority, run_first, max_attempts, name,
             unique_key, traceparent, failure_rule, waits_for, is_awaited from task
    ), edge_rows as (
      insert into task_dependencies (task_id, target_id) select e.task, e.target from edge e join task t on t.id = e.task
    ), item_rows as (
      insert into items (id, namespace, topic_id, priority, deliver_after, state)
      select id, namespace, topic_id, priority, case when waits_for > 0 then 'infinity' else run_first end,
             case when waits_for > 0 or run_first > at then 'delayed' else 'ready' end from task
    ), event_rows as (
      insert into events (position, namespace, topic_id, item_id, type, actor, at)
      select (select event_position()), namespace, topic_id, id, 'CREATED', creator, at from task
    )
    select e.n::integer as n, case when a.id is null then 'key' else 'created' end as outcome, e.at
      from entry e left join accepted a on a.n = e.n;
end
$$;
