-- Gives each waiting claimer of one topic the best item that it may take, in the order law's exact order
-- (priority, deliver_after, id), and writes the leases. One ordered scan serves the whole batch.
--
-- Arrays run parallel, one place a claimer, in order of arrival:
--   holders            who claims
--   tokens             the fencing token that the new lease will carry
--   lease_lengths      seconds, null for the topic's default
--   held_maxima        how many leases of this system the holder may have at once, null for any number
--   held_floors        no lease of this holder that is still alive was acquired before this moment
--   tickets            reply subject of the ticket in hand, null without one
--   ticket_sequences   its sequence in the stream
-- head_*: a key at or before the topic's first ready item. A hint: rows before it are not looked at.
--
-- One row a claimer: outcome is 'claimed', 'none' (nothing that it may take), 'limit' (holds enough already),
-- 'busy' (another transaction is claiming for the same holder: ask again) or 'paused'.
-- held_floor is the new floor for the holder. left_* is the key of the first ready item, from the head to the last one
-- taken, that nobody in the batch may take: the next head must not lie behind it. Null when none was left.
drop function if exists claim_items(integer, text[], uuid[], integer[], integer[], timestamptz[], text[], bigint[], integer, timestamptz, uuid);
create function claim_items(
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
  left_priority integer,
  left_deliver_after timestamptz,
  left_id uuid
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
  outcomes text[] := array_fill(null::text, array[cardinality(holders)]);
  floors timestamptz[] := held_floors;
  chosen_ids uuid[] := array_fill(null::uuid, array[cardinality(holders)]);
  waiting integer[] := '{}';
  waiting_holders text[] := '{}';
  locked boolean[];
  system_topics integer[];
  ids uuid[];
  priorities integer[];
  deliver_afters timestamptz[];
  exclusions text[];
  has_exclusions boolean;
  found_rows integer;
  wanted integer;
  place integer;
  last_id uuid;
  first_head record;
  taken_priority integer;
  taken_deliver_after timestamptz;
  taken_id uuid;
  left_behind record;
  moment timestamptz;
begin
  select t.namespace, t.system, t.lease_seconds,
         t.paused_at is not null and (t.paused_until is null or t.paused_until > clock_timestamp()) as paused
    into settings from topics t where t.id = topic;
  if settings.paused then
    return query select i, 'paused', null::uuid, null::integer, null::timestamptz, null::integer,
                        null::timestamptz, null::timestamptz, held_floors[i],
                        null::integer, null::timestamptz, null::uuid
                   from generate_series(1, claimers) i;
    return;
  end if;

  -- How many each holder has already. The advisory lock makes the count and the claim one step for all processes; the
  -- count is a statement of its own because it must see what was committed before the lock was granted. The floor keeps
  -- it from walking the dead rows of earlier leases.
  if array_length(array_remove(held_maxima, null), 1) is null then
    waiting := array(select generate_series(1, claimers));
    waiting_holders := holders;
  else
    locked := array(
      select a.maximum is null or pg_try_advisory_xact_lock(hashtext(settings.namespace), hashtext(a.holder))
        from unnest(holders, held_maxima) with ordinality as a (holder, maximum, n)
       order by a.n);
    system_topics := array(select t.id from topics t where t.namespace = settings.namespace and t.system = settings.system);
    moment := clock_timestamp();
    with counted as (
      select a.n, a.holder, a.maximum, a.may,
             case when h.lapsed > 0 then a.floor
                  else coalesce(h.oldest, case when a.may and a.maximum is not null then moment else a.floor end) end as floor,
             coalesce(h.held, 0) as held, coalesce(h.lapsed, 0) as lapsed,
             row_number() over (partition by a.holder order by a.n) - 1 as earlier
        from unnest(holders, held_maxima, held_floors, locked) with ordinality as a (holder, maximum, floor, may, n)
        left join lateral (
          select count(*) filter (where l.lease_expires_at > moment) as held,
                 count(*) filter (where l.lease_expires_at <= moment) as lapsed,
                 min(l.lease_acquired_at) as oldest
            from items l
           where l.namespace = settings.namespace and l.lease_holder = a.holder and l.state = 'leased' and l.enqueued_at is null
             and l.lease_acquired_at >= a.floor
             and l.topic_id = any (system_topics)
        ) h on a.may and a.maximum is not null
    ), ended as materialized (
      -- A lease that has ended by the clock may have been extended in time by a transaction that is not committed yet.
      -- Only one whose row can be locked is over for good.
      select i.lease_holder as holder, count(*) as leases
        from (select l.lease_holder
                from items l
               where l.namespace = settings.namespace and l.state = 'leased' and l.enqueued_at is null
                 and l.lease_holder = any (array(select c.holder from counted c where c.lapsed > 0))
                 and l.lease_expires_at <= moment
                 and l.topic_id = any (system_topics)
                 for update skip locked) i
       group by i.lease_holder
    ), judged as (
      select c.*, case when not c.may then 'busy'
                       when c.held >= c.maximum then 'limit'
                       when c.lapsed > coalesce(e.leases, 0) or c.held + c.earlier >= c.maximum then 'busy' end as refusal
        from counted c left join ended e on e.holder = c.holder
    )
    select array_agg(j.floor order by j.n), array_agg(j.refusal order by j.n),
           coalesce(array_agg(j.n::integer order by j.n) filter (where j.refusal is null), '{}'),
           coalesce(array_agg(j.holder order by j.n) filter (where j.refusal is null), '{}')
      into floors, outcomes, waiting, waiting_holders
      from judged j;
  end if;

  select head_priority as priority, head_deliver_after as deliver_after, head_id as id into first_head;
  while cardinality(waiting) > 0 loop
    wanted := cardinality(waiting);
    with head as materialized (
      select c.id, c.priority, c.deliver_after, c.excluded
        from items c
       where c.topic_id = topic and c.state = 'ready'
         and (c.priority, c.deliver_after, c.id) >= (head_priority, head_deliver_after, head_id)
         and not c.excluded @> waiting_holders
         and c.id is distinct from last_id
       order by c.priority, c.deliver_after, c.id
       limit wanted
         for update skip locked
    )
    select array_agg(h.id), array_agg(h.priority), array_agg(h.deliver_after), bool_or(h.excluded && waiting_holders),
           count(*)
      into ids, priorities, deliver_afters, has_exclusions, found_rows
      from head h;
    exit when found_rows = 0;
    if not has_exclusions then
      for n in 1..found_rows loop
        chosen_ids[waiting[n]] := ids[n];
      end loop;
      taken_priority := priorities[found_rows];
      taken_deliver_after := deliver_afters[found_rows];
      taken_id := ids[found_rows];
      waiting := waiting[found_rows + 1:];
      waiting_holders := waiting_holders[found_rows + 1:];
    else
      -- Someone in the batch may not take one of these: each item goes to the first in line who may.
      for n in 1..found_rows loop
        select e.excluded into exclusions from items e where e.id = ids[n];
        place := null;
        for w in 1..cardinality(waiting) loop
          if not waiting_holders[w] = any (exclusions) then
            place := w;
            exit;
          end if;
        end loop;
        if place is not null then
          chosen_ids[waiting[place]] := ids[n];
          taken_priority := priorities[n];
          taken_deliver_after := deliver_afters[n];
          taken_id := ids[n];
          waiting := waiting[:place - 1] || waiting[place + 1:];
          waiting_holders := waiting_holders[:place - 1] || waiting_holders[place + 1:];
        end if;
      end loop;
    end if;
    exit when found_rows < wanted;
    head_priority := priorities[found_rows];
    head_deliver_after := deliver_afters[found_rows];
    head_id := ids[found_rows];
    last_id := head_id;
  end loop;

  select i.priority, i.deliver_after, i.id into left_behind
    from items i
   where i.topic_id = topic and i.state = 'ready'
     and (i.priority, i.deliver_after, i.id) >= (first_head.priority, first_head.deliver_after, first_head.id)
     and (i.priority, i.deliver_after, i.id) < (taken_priority, taken_deliver_after, taken_id)
     and not i.id = any (array_remove(chosen_ids, null))
   order by i.priority, i.deliver_after, i.id
   limit 1;

  moment := clock_timestamp();
  return query
    with leased as (
      update items u
         set state = 'leased', attempt = u.attempt + 1, lease_token = g.token, lease_holder = g.holder,
             lease_acquired_at = moment,
             lease_expires_at = moment + make_interval(secs => coalesce(g.seconds, settings.lease_seconds)),
             ticket = g.ticket, ticket_sequence = g.ticket_sequence
        from unnest(chosen_ids, holders, tokens, lease_lengths, tickets, ticket_sequences)
             as g (id, holder, token, seconds, ticket, ticket_sequence)
       where u.id = g.id and comes_after(u.xmin)
      returning u.id, u.priority, u.deliver_after, u.attempt, u.lease_holder, u.lease_expires_at
    ), recorded as (
      insert into events (position, namespace, topic_id, item_id, type, actor, at, attempt, lease_expires_at)
      select (select event_position()), settings.namespace, topic, l.id, 'CLAIMED', l.lease_holder, moment, l.attempt, l.lease_expires_at
        from leased l
    )
    select i.n::integer, coalesce(outcomes[i.n], case when l.id is null then 'none' else 'claimed' end),
           l.id, l.priority, l.deliver_after, l.attempt, case when l.id is null then null else moment end,
           l.lease_expires_at, floors[i.n], left_behind.priority, left_behind.deliver_after, left_behind.id
      from generate_series(1, claimers) as i (n)
      left join leased l on l.id = chosen_ids[i.n];
end
$$;
