-- Ends attempts of tasks, each under its fencing token. Arrays in parallel: task ids, lease tokens, workers, namespaces;
-- verdicts: 'SUCCEEDED', 'FAILED' (for good), 'RETRY' (again after the delay), 'EXHAUSTED' (failed before it began:
--   earlier workers were lost), 'RETURNED' (given back unfinished; the attempt does not count);
-- errors (or null), delays in milliseconds (for 'RETRY'), results (JSON or null).
-- One row an entry: 'done', or 'refused' and nothing of it changed. Then one row for each task that had waited for one of
-- these and waits no more: 'released', or 'scheduled' when its time has not come. The rows are locked by primary key
-- first and judged after the wait, by the database's clock. No task may stand twice in one batch.
create or replace function finish_tasks(
  task_ids uuid[],
  tokens uuid[],
  workers text[],
  namespaces text[],
  verdicts text[],
  errors text[],
  delays bigint[],
  results text[]
) returns table (
  n integer,
  outcome text,
  item_id uuid,
  ticket text,
  topic_id integer,
  priority integer,
  deliver_after timestamptz
)
language plpgsql volatile
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  answer record;
  awaited uuid[] := '{}';
  ends text[] := '{}';
begin
  for answer in
    with entry as materialized (
      select * from unnest(task_ids, tokens, workers, namespaces, verdicts, errors, delays, results)
        with ordinality as e (id, token, worker, namespace, verdict, error, delay, result, n)
    ), locked as materialized (
      select i.id, i.namespace, i.topic_id, i.priority, i.deliver_after, i.state, i.attempt, i.lease_token, i.lease_holder,
             i.lease_acquired_at, i.lease_expires_at, i.ticket, i.xmin as writer
        from items i where i.id = any (task_ids)
       order by i.id
         for update
    ), live as materialized (
      select e.*, l.topic_id, l.priority, l.attempt, l.ticket, l.lease_acquired_at as started_at, clock_timestamp() as at,
             e.verdict in ('SUCCEEDED', 'FAILED', 'EXHAUSTED') as ends,
             case e.verdict when 'RETRY' then clock_timestamp() + make_interval(secs => e.delay / 1000.0)
                            else l.deliver_after end as due
        from entry e join locked l on l.id = e.id
       where l.state = 'leased' and l.lease_token = e.token and l.lease_holder = e.worker and l.namespace = e.namespace
         and l.lease_expires_at > clock_timestamp() and comes_after(l.writer)
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
      returning t.id, t.outcome, t.is_awaited
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
    select e.n::integer as n, case when v.id is null then 'refused' else 'done' end as outcome, e.id, v.ticket, v.topic_id,
           v.priority, v.due, r.outcome as final, r.is_awaited
      from entry e left join live v on v.n = e.n left join task_rows r on r.id = v.id
  loop
    n := answer.n;
    outcome := answer.outcome;
    item_id := answer.id;
    ticket := answer.ticket;
    topic_id := answer.topic_id;
    priority := answer.priority;
    deliver_after := answer.due;
    return next;
    if answer.is_awaited and answer.final is not null then
      awaited := awaited || answer.id;
      ends := ends || answer.final;
    end if;
  end loop;
  if cardinality(awaited) > 0 then
    return query
      select null::integer, case when s.is_ready then 'released' else 'scheduled' end, s.item_id, null::text, s.topic_id,
             s.priority, s.deliver_after
        from settle_dependents(awaited, ends) s;
  end if;
end
$$;
