-- Gives each place in a topic's line the best item of the priority queue, in the order law's exact order, and writes the
-- leases. Parameters and the columns up to left_id: see claim_items.sql; anybody may take any item here, so that no
-- holder's leases are counted. 'busy': another transaction is counting the topic's items in flight: ask again.
drop function if exists claim_queue_items(integer, text[], uuid[], integer[], integer[], timestamptz[], text[], bigint[], integer, timestamptz, uuid);
create function claim_queue_items(
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
  left_priority integer,
  left_deliver_after timestamptz,
  left_id uuid,
  given_priority integer,
  attempts_counted integer,
  payload bytea,
  metadata json,
  item_enqueued_at timestamptz,
  item_enqueued_by text,
  item_expires_at timestamptz,
  item_unique_key text,
  item_last_reason text,
  item_origin_topic_id integer,
  item_died_at timestamptz,
  max_attempts integer
)
language plpgsql volatile
-- The scan must follow items_ready in order whatever the statistics say: a sort would read the whole backlog.
set enable_seqscan = off
set enable_sort = off
set enable_bitmapscan = off
-- Planned once a connection: to plan these statements takes longer than to run them.
set plan_cache_mode = force_generic_plan
as $$
declare
  settings record;
  claimers integer := cardinality(holders);
  wanted integer := cardinality(holders);
  refusal text;
  in_flight integer;
  in_flight_namespace integer;
  ids uuid[];
  taken record;
  left_behind record;
  moment timestamptz := clock_timestamp();
begin
  select t.namespace, t.lease_seconds, t.in_flight_max, t.history, t.max_attempts, n.queue_in_flight_max,
         t.paused_at is not null and (t.paused_until is null or t.paused_until > moment) as paused
    into settings from topics t left join namespaces n on n.name = t.namespace where t.id = topic;
  if settings.paused then
    refusal := 'paused';
  elsif settings.in_flight_max is not null or settings.queue_in_flight_max is not null then
    -- The lock makes count and claim one step for all processes; the count is a statement of its own because it must see
    -- what was committed before the lock was granted.
    if pg_try_advisory_xact_lock(hashtext('caseload items in flight'),
                                 case when settings.queue_in_flight_max is null then topic else hashtext(settings.namespace) end) then
      select count(*) filter (where l.topic_id = topic), count(*) filter (where l.enqueued_at is not null)
        into in_flight, in_flight_namespace
        from items l where l.namespace = settings.namespace and l.state = 'leased';
      wanted := least(wanted, settings.in_flight_max - in_flight, settings.queue_in_flight_max - in_flight_namespace);
      if wanted <= 0 then
        refusal := 'none';
      end if;
    else
      refusal := 'busy';
    end if;
  end if;
  if refusal is not null then
    return query select i, refusal, null::uuid, null::integer, null::timestamptz, null::integer, null::timestamptz,
                        null::timestamptz, null::integer, null::timestamptz, null::uuid, null::integer, null::integer,
                        null::bytea, null::json, null::timestamptz, null::text, null::timestamptz, null::text, null::text,
                        null::integer, null::timestamptz, null::integer
                   from generate_series(1, claimers) i;
    return;
  end if;

  with head as materialized (
    select c.id, c.priority, c.deliver_after
      from items c
     where c.topic_id = topic and c.state = 'ready'
       and (c.priority, c.deliver_after, c.id) >= (head_priority, head_deliver_after, head_id)
       and (c.expires_at is null or c.expires_at > moment)
     order by c.priority, c.deliver_after, c.id
     limit wanted
       for update skip locked
  )
  select array_agg(h.id) into ids from head h;

  if ids is not null then
    select i.priority, i.deliver_after, i.id into taken from items i where i.id = ids[cardinality(ids)];
    select i.priority, i.deliver_after, i.id into left_behind
      from items i
     where i.topic_id = topic and i.state = 'ready'
       and (i.priority, i.deliver_after, i.id) >= (head_priority, head_deliver_after, head_id)
       and (i.priority, i.deliver_after, i.id) < (taken.priority, taken.deliver_after, taken.id)
       and not i.id = any (ids)
     order by i.priority, i.deliver_after, i.id
     limit 1;
  else
    select null::integer as priority, null::timestamptz as deliver_after, null::uuid as id into left_behind;
  end if;

  moment := clock_timestamp();
  return query
    with leased as (
      update items u
         set state = 'leased', attempt = u.attempt + 1, lease_token = g.token, lease_holder = g.holder,
             lease_acquired_at = moment,
             lease_expires_at = moment + make_interval(secs => coalesce(g.seconds, u.lease_seconds, settings.lease_seconds)),
             ticket = g.ticket, ticket_sequence = g.ticket_sequence
        from unnest(ids, holders, tokens, lease_lengths, tickets, ticket_sequences)
             as g (id, holder, token, seconds, ticket, ticket_sequence)
       where u.id = g.id
      returning u.id, u.priority, u.deliver_after, u.attempt, u.lease_holder, u.lease_expires_at, u.given_priority,
                u.attempts_forgiven, u.payload, u.metadata, u.enqueued_at, u.enqueued_by, u.expires_at, u.unique_key,
                u.last_reason, u.origin_topic_id, u.died_at
    ), recorded as (
      insert into events (position, namespace, topic_id, item_id, type, actor, at, attempt, lease_expires_at)
      select (select event_position()), settings.namespace, topic, l.id, 'CLAIMED', l.lease_holder, moment, l.attempt, l.lease_expires_at
        from leased l where settings.history
    )
    select i.n::integer, case when l.id is null then 'none' else 'claimed' end,
           l.id, l.priority, l.deliver_after, l.attempt, case when l.id is null then null else moment end,
           l.lease_expires_at, left_behind.priority, left_behind.deliver_after, left_behind.id,
           l.given_priority, l.attempt - l.attempts_forgiven, l.payload, l.metadata,
           l.enqueued_at, l.enqueued_by, l.expires_at, l.unique_key, l.last_reason, l.origin_topic_id, l.died_at,
           settings.max_attempts
      from generate_series(1, claimers) as i (n)
      left join leased l on l.id = ids[i.n];
end
$$;
