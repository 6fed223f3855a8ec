-- Ends attempts of tasks, each under its fencing token.
-- $1 task ids uuid[]  $2 lease tokens uuid[]  $3 workers text[]  $4 namespaces text[]
-- $5 verdicts text[]: 'SUCCEEDED', 'FAILED' (for good), 'RETRY' (again after the delay), 'EXHAUSTED' (failed before it
--    began: earlier workers were lost), 'RETURNED' (given back unfinished; the attempt does not count)
-- $6 errors text[] (or null)  $7 delays in milliseconds bigint[] (for 'RETRY')  $8 results text[] (JSON or null)
-- Outcome 'done' or 'refused', and nothing of it changed. The rows are locked by primary key first and judged after the
-- wait, by the database's clock. No task may stand twice in one batch.
with entry as materialized (
  select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[])
    with ordinality as e (id, token, worker, namespace, verdict, error, delay, result, n)
), locked as materialized (
  select i.id, i.namespace, i.topic_id, i.priority, i.deliver_after, i.state, i.attempt, i.lease_token, i.lease_holder,
         i.lease_acquired_at, i.lease_expires_at, i.ticket
    from items i where i.id = any ($1::uuid[])
   order by i.id
     for update
), live as materialized (
  select e.*, l.topic_id, l.priority, l.attempt, l.ticket, l.lease_acquired_at as started_at, clock_timestamp() as at,
         e.verdict in ('SUCCEEDED', 'FAILED', 'EXHAUSTED') as ends,
         case e.verdict when 'RETRY' then clock_timestamp() + make_interval(secs => e.delay / 1000.0)
                        else l.deliver_after end as due
    from entry e join locked l on l.id = e.id
   where l.state = 'leased' and l.lease_token = e.token and l.lease_holder = e.worker and l.namespace = e.namespace
     and l.lease_expires_at > clock_timestamp()
), ended as (
  delete from items i using live v where i.id = v.id and v.ends
), kept as (
  update items i
     set state = case v.verdict when 'RETRY' then 'delayed' else 'ready' end, deliver_after = v.due, lease_token = null,
         lease_holder = null, lease_acquired_at = null, lease_expires_at = null, ticket = null, ticket_sequence = null
    from live v where i.id = v.id and not v.ends
), task_rows as (
  update tasks t
     set outcome = case v.verdict when 'SUCCEEDED' then 'SUCCEEDED' when 'RETRY' then null when 'RETURNED' then null
                                  else 'FAILED' end,
         finished_at = case when v.ends then v.at end,
         attempts = v.attempt,
         attempts_forgiven = t.attempts_forgiven + case v.verdict when 'RETURNED' then 1 else 0 end,
         result = v.result::json,
         error = case v.verdict when 'SUCCEEDED' then null when 'RETURNED' then t.error else v.error end
    from live v where t.id = v.id
), attempt_rows as (
  insert into task_attempts (task_id, attempt, worker, started_at, ended_at, outcome, error)
  select id, attempt, worker, started_at, at, case verdict when 'RETRY' then 'FAILED' else verdict end, error
    from live where verdict <> 'EXHAUSTED'
  on conflict do nothing
), event_rows as (
  insert into events (position, namespace, topic_id, item_id, type, actor, at, attempt, reason)
  select (select event_position()), namespace, topic_id, id,
         case verdict when 'RETRY' then 'RETRY_SCHEDULED' when 'RETURNED' then 'RELEASED' when 'EXHAUSTED' then 'FAILED'
                      else verdict end,
         worker, at, attempt, error
    from live
)
select e.n::integer as n, case when v.id is null then 'refused' else 'done' end as outcome, v.ticket, v.topic_id,
       v.priority, v.due as deliver_after
  from entry e left join live v on v.n = e.n
