-- Leases the best items of one topic of the priority queue, in the order law's exact order, to several calls together:
-- the first call gets the best ones. Anybody may take any item here, so that no holder's leases are counted.
--
-- Arrays of the calls: holders, lease_lengths (seconds, null for the item's or topic's own).
-- Arrays of the items wanted, in the order of the calls: calls (the number of the call, from 1), tokens (the fencing token
-- that the lease will carry).
-- head_*: a key at or before the topic's first ready item. A hint: rows before it are looked at only when the rest does
-- not suffice. Leases of the topic that have ended are returned then, too, and looked at.
--
-- The first row (n is 0) tells in `note` how it went:
--   outcome     'filled': everybody got what they wanted; 'drained': nothing more is ready; 'full': as many items are in
--               flight as may be; 'paused'; 'busy' (another transaction is counting what is in flight: ask again)
--   acquiredAt, maxAttempts
--   returned    how many items became ready again, because their leases had ended
--   died        the topic to which items went, because their last lease had ended, and how many; null without any
--   left        only when 'filled': the key of the first ready item, from the head to the last one taken, that somebody
--               else is working on: the next head must not lie behind it
-- The others are the items, n their place among those wanted; `note` has what is seldom there.
drop function if exists take_queue_items(integer, text[], integer[], integer[], uuid[], integer, timestamptz, uuid);
create function take_queue_items(
  topic integer,
  holders text[],
  lease_lengths integer[],
  calls integer[],
  tokens uuid[],
  head_priority integer,
  head_deliver_after timestamptz,
  head_id uuid
) returns table (
  n integer,
  item_id uuid,
  given_priority integer,
  item_priority integer,
  item_deliver_after timestamptz,
  attempts_counted integer,
  expires_at timestamptz,
  payload bytea,
  metadata json,
  item_enqueued_at timestamptz,
  item_enqueued_by text,
  note json
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
  wanted integer := cardinality(tokens);
  allowed integer := cardinality(tokens);
  outcome text;
  in_flight integer;
  in_flight_namespace integer;
  is_hinted boolean := head_deliver_after <> '-infinity';
  is_swept boolean := false;
  returned_rows integer := 0;
  died json;
  ids uuid[];
  places tid[];
  priorities integer[];
  deliver_afters timestamptz[];
  found_rows integer;
  first_expiry timestamptz;
  left_behind json;
  moment timestamptz := clock_timestamp();
begin
  select t.namespace, t.lease_seconds, t.in_flight_max, t.history, t.max_attempts, s.queue_in_flight_max,
         t.paused_at is not null and (t.paused_until is null or t.paused_until > moment) as paused
    into settings from topics t left join namespaces s on s.name = t.namespace where t.id = topic;
  if settings.paused then
    outcome := 'paused';
  elsif settings.in_flight_max is not null or settings.queue_in_flight_max is not null then
    -- The lock makes count and claim one step for all processes; the count is a statement of its own because it must see
    -- what was committed before the lock was granted.
    if pg_try_advisory_xact_lock(hashtext('caseload items in flight'),
                                 case when settings.queue_in_flight_max is null then topic else hashtext(settings.namespace) end) then
      select count(*) filter (where l.topic_id = topic), count(*)
        into in_flight, in_flight_namespace
        from items l
       where l.state = 'leased'
         and l.topic_id in (select topic union
                            select t.id from topics t
                             where settings.queue_in_flight_max is not null and t.namespace = settings.namespace and t.system = 'queue');
      allowed := least(wanted, settings.in_flight_max - in_flight, settings.queue_in_flight_max - in_flight_namespace);
      if allowed <= 0 then
        outcome := 'full';
      end if;
    else
      outcome := 'busy';
    end if;
  end if;
  if outcome is not null then
    return query select 0, null::uuid, null::integer, null::integer, null::timestamptz, null::integer, null::timestamptz, null::bytea,
                        null::json, null::timestamptz, null::text, json_build_object('outcome', outcome, 'returned', 0);
    return;
  end if;

  loop
    with head as materialized (
      select c.id, c.ctid as place, c.priority, c.deliver_after, c.expires_at
        from items c
       where c.topic_id = topic and c.state = 'ready'
         and (c.priority, c.deliver_after, c.id) >= (head_priority, head_deliver_after, head_id)
         and (c.expires_at is null or c.expires_at > moment)
         -- One that became ready while this looked: its claim would come before its enqueue in the order of events (see
         -- comes_after). Its own call, or whoever looks next, finds it.
         and (age(c.xmin) >= 0 or not is_younger(c.xmin))
       order by c.priority, c.deliver_after, c.id
       limit allowed
         for update skip locked
    )
    select array_agg(h.id), array_agg(h.place), array_agg(h.priority), array_agg(h.deliver_after), count(*),
           min(h.expires_at)
      into ids, places, priorities, deliver_afters, found_rows, first_expiry
      from head h;
    -- Of the leases, and after the rows were locked: nothing else can happen to them now, but that their time runs out.
    moment := clock_timestamp();
    continue when first_expiry <= moment;
    exit when found_rows >= allowed;
    if is_hinted then
      is_hinted := false;
      head_priority := -2147483648;
      head_deliver_after := '-infinity';
      head_id := '00000000-0000-0000-0000-000000000000';
    elsif not is_swept and exists (select from items l
                                    where l.state = 'leased' and l.lease_expires_at <= clock_timestamp() and l.topic_id = topic) then
      is_swept := true;
      select count(*) filter (where r.outcome = 'ready'),
             case when bool_or(r.outcome = 'dead')
                  then json_build_object('topicId', max(r.topic_id) filter (where r.outcome = 'dead'),
                                         'items', count(*) filter (where r.outcome = 'dead')) end
        into returned_rows, died
        from return_expired_items(array[topic], 500) r;
    else
      exit;
    end if;
  end loop;

  outcome := case when found_rows < allowed then 'drained' when allowed < wanted then 'full' else 'filled' end;
  if outcome = 'filled' then
    -- The rows of the pick and those that others hold, in order: where the two part, somebody holds a row.
    select json_build_object('priority', r.priority, 'deliverAfter', r.deliver_after::text, 'id', r.id)
      into left_behind
      from (select i.priority, i.deliver_after, i.id, row_number() over () as place
              from items i
             where i.topic_id = topic and i.state = 'ready'
               and (i.priority, i.deliver_after, i.id) >= (head_priority, head_deliver_after, head_id)
               and (i.priority, i.deliver_after, i.id) <= (priorities[found_rows], deliver_afters[found_rows], ids[found_rows])
             order by i.priority, i.deliver_after, i.id) r
     where r.id <> ids[r.place]
     limit 1;
  end if;

  return query
    select 0, null::uuid, null::integer, null::integer, null::timestamptz, null::integer, null::timestamptz, null::bytea, null::json,
           null::timestamptz, null::text,
           json_build_object('outcome', outcome, 'acquiredAt', moment::text, 'maxAttempts', settings.max_attempts, 'left', left_behind,
                             'returned', returned_rows, 'died', died);
  if found_rows = 0 then
    return;
  end if;
  return query
    with leased as (
      update items u
         set state = 'leased', attempt = u.attempt + 1, lease_token = g.token, lease_holder = holders[g.call],
             lease_acquired_at = moment,
             lease_expires_at = moment + make_interval(secs => coalesce(lease_lengths[g.call], u.lease_seconds, settings.lease_seconds))
        from unnest(places, tokens[1:found_rows], calls[1:found_rows]) with ordinality as g (place, token, call, n)
       where u.ctid = g.place
      returning g.n, u.id, u.priority, u.deliver_after, u.attempt, u.lease_holder, u.lease_expires_at, u.given_priority,
                u.attempts_forgiven, u.payload, u.metadata, u.enqueued_at, u.enqueued_by, u.expires_at, u.unique_key,
                u.last_reason, u.origin_topic_id, u.died_at
    ), recorded as (
      -- One row for all items of a holder.
      insert into events (position, namespace, topic_id, type, actor, at, item_id, attempt, lease_expires_at,
                          item_ids, attempts, lease_ends)
      select (select event_position()), settings.namespace, topic, 'CLAIMED', h.holder, moment,
             case when h.items = 1 then h.ids[1] end, case when h.items = 1 then h.attempts[1] end, case when h.items = 1 then h.ends[1] end,
             case when h.items > 1 then h.ids end, case when h.items > 1 then h.attempts end, case when h.items > 1 then h.ends end
        from (select l.lease_holder as holder, count(*) as items, array_agg(l.id) as ids, array_agg(l.attempt) as attempts,
                     array_agg(l.lease_expires_at) as ends
                from leased l where settings.history group by l.lease_holder) h
    )
    select l.n::integer, l.id, l.given_priority, l.priority, l.deliver_after, l.attempt - l.attempts_forgiven, l.lease_expires_at,
           l.payload, l.metadata, l.enqueued_at, l.enqueued_by,
           case when l.expires_at is not null or l.unique_key is not null or l.last_reason is not null
                     or l.origin_topic_id is not null or l.died_at is not null
                then json_build_object('expiresAt', l.expires_at::text, 'uniqueKey', l.unique_key, 'lastReason', l.last_reason,
                                       'originTopicId', l.origin_topic_id, 'diedAt', l.died_at::text) end
      from leased l;
end
$$;
