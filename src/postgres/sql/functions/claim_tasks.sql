-- The engine's claim with the claimed tasks' own rows. Parameters and columns: see claim_items.sql. Claimers whom the
-- limits of the kind or the namespace leave out, the last ones in line, get 'paused'.
-- Statements of their own, because each sees what was committed before it began: an item that claim_items found may
-- belong to a job that was created after the calling statement had begun.
drop function if exists claim_tasks(integer, text[], uuid[], integer[], integer[], timestamptz[], text[], bigint[], integer, timestamptz, uuid);
create function claim_tasks(
  topic integer,
  holders text[],
  tokens uuid[],
  lease_lengths integer[],
  held_maxima integer[],
  held_floors timestamptz[],
  tickets text[],
  ticket_sequences bigint[],
  head_priority integer,
  head_deliver_after timestamptz,
  head_id uuid
) returns table (
  claimer integer,
  outcome text,
  item_id uuid,
  item_priority integer,
  item_deliver_after timestamptz,
  item_attempt integer,
  acquired_at timestamptz,
  expires_at timestamptz,
  held_floor timestamptz,
  job_id uuid,
  payload json,
  max_attempts integer,
  attempts_counted integer,
  schedule_id uuid,
  traceparent text
)
language plpgsql volatile
set plan_cache_mode = force_generic_plan
as $$
declare
  claimers integer[];
  outcomes text[];
  ids uuid[];
  priorities integer[];
  deliver_afters timestamptz[];
  attempts integer[];
  starts timestamptz[];
  ends timestamptz[];
  floors timestamptz[];
  admitted integer := admit_tasks(topic, cardinality(holders));
begin
  select array_agg(c.claimer), array_agg(c.outcome), array_agg(c.item_id), array_agg(c.item_priority),
         array_agg(c.item_deliver_after), array_agg(c.item_attempt), array_agg(c.acquired_at), array_agg(c.expires_at),
         array_agg(c.held_floor)
    into claimers, outcomes, ids, priorities, deliver_afters, attempts, starts, ends, floors
    from claim_items(topic, holders[:admitted], tokens[:admitted], lease_lengths[:admitted], held_maxima[:admitted],
                     held_floors[:admitted], tickets[:admitted], ticket_sequences[:admitted],
                     head_priority, head_deliver_after, head_id) c
   where admitted > 0;
  if array_position(outcomes, 'claimed') is not null then
    update task_controls c
       set tokens = task_tokens(c) - cardinality(array_positions(outcomes, 'claimed')), refilled_at = clock_timestamp()
      from topics t
     where t.id = topic and c.namespace = t.namespace and c.kind in ('*', t.name) and c.rate_max is not null;
  end if;
  -- An earlier attempt of the same round of which nobody told the end: its worker was lost.
  if 1 < any (attempts) then
    insert into task_attempts (task_id, attempt, worker, started_at, ended_at, outcome, error)
    select distinct on (e.item_id) e.item_id, e.attempt, e.actor, e.at, coalesce(x.at, clock_timestamp()), 'LOST',
           'The worker was lost: its lease ended without an answer'
      from unnest(ids, attempts) as c (id, attempt)
      join tasks t on t.id = c.id
      join events e on e.item_id = c.id and e.type = 'CLAIMED' and e.attempt = c.attempt - 1
      left join events x on x.item_id = c.id and x.type = 'LEASE_EXPIRED' and x.attempt = e.attempt
     where c.attempt - 1 > t.attempts_forgiven
     order by e.item_id, e.position desc, e.sequence desc
    on conflict do nothing;
  end if;
  return query
    select c.claimer, c.outcome, c.id, c.priority, c.deliver_after, c.attempt, c.start, c.finish, c.floor,
           t.job_id, t.payload, t.max_attempts, c.attempt - t.attempts_forgiven,
           t.schedule_id, t.traceparent
      from unnest(claimers, outcomes, ids, priorities, deliver_afters, attempts, starts, ends, floors)
           as c (claimer, outcome, id, priority, deliver_after, attempt, start, finish, floor)
      left join lateral (select * from tasks where tasks.id = c.id limit 1) t on true
    union all
    select n, 'paused', null, null, null, null, null, null, held_floors[n], null, null, null, null, null, null
      from generate_series(admitted + 1, cardinality(holders)) n;
end
$$;
