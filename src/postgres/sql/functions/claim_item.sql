-- Leases one given item, when it is free and the holder may take it. No row when there is no such open item; else one:
-- outcome 'claimed', 'limit' (holds enough already), 'held' (by the returned holder until the returned end),
-- 'excluded', 'paused' or 'delayed'. Somebody who held the item earlier may ask for it again by name.
create or replace function claim_item(
  wanted_id uuid,
  wanted_namespace text,
  wanted_system text,
  new_holder text,
  new_token uuid,
  lease_length integer,      -- seconds, null for the topic's default
  held_maximum integer,      -- null for any number
  never_holders text[]       -- who may not take it even by name
) returns table (
  outcome text,
  holder text,
  acquired_at timestamptz,
  expires_at timestamptz,
  ticket text,
  server_time timestamptz
)
language plpgsql volatile
as $$
declare
  target record;
  settings record;
  held integer;
  counted_at timestamptz;
  moment timestamptz;
begin
  -- First the lock, then statements of their own: what follows must see what was committed before the lock was granted.
  perform pg_advisory_xact_lock(hashtext(wanted_namespace), hashtext(new_holder));
  -- Of the holder's leases that have ended by the clock, one may have been extended in time by a transaction that is not
  -- committed yet: that is waited for. Locked together with the item, in the order of all who lock several.
  counted_at := clock_timestamp();
  perform from items i
   where i.id = any (array(
           select wanted_id
           union
           select l.id from items l
            where held_maximum is not null and l.namespace = wanted_namespace and l.lease_holder = new_holder
              and l.state = 'leased' and l.enqueued_at is null and l.lease_expires_at <= counted_at))
     and i.namespace = wanted_namespace
   order by i.id
     for update;
  select i.*, i.xmin as writer into target from items i where i.id = wanted_id and i.namespace = wanted_namespace for update;
  if not found then
    return;
  end if;
  select t.lease_seconds, t.excludes_earlier_holders,
         t.paused_at is not null and (t.paused_until is null or t.paused_until > clock_timestamp()) as paused
    into settings from topics t where t.id = target.topic_id and t.system = wanted_system;
  if not found then
    return;
  end if;
  moment := clock_timestamp();
  if target.lease_expires_at > moment then
    return query select 'held', target.lease_holder, target.lease_acquired_at, target.lease_expires_at, target.ticket, moment;
    return;
  end if;
  select count(*) into held from items i
   where i.namespace = wanted_namespace and i.lease_holder = new_holder and i.state = 'leased' and i.enqueued_at is null
     and i.lease_expires_at > counted_at
     and i.topic_id in (select t.id from topics t where t.namespace = wanted_namespace and t.system = wanted_system);
  if new_holder = any (never_holders) or settings.paused or target.state = 'delayed' or held >= held_maximum then
    return query select case when new_holder = any (never_holders) then 'excluded' when settings.paused then 'paused'
                             when target.state = 'delayed' then 'delayed' else 'limit' end,
                        null::text, null::timestamptz, null::timestamptz, null::text, moment;
    return;
  end if;
  perform comes_after(target.writer);
  if target.state = 'leased' then
    insert into events (position, namespace, topic_id, item_id, type, actor, at, attempt, lease_expires_at)
    values (event_position(), wanted_namespace, target.topic_id, target.id, 'LEASE_EXPIRED', target.lease_holder, moment,
            target.attempt, target.lease_expires_at);
  end if;
  update items i
     set state = 'leased', attempt = i.attempt + 1, lease_token = new_token, lease_holder = new_holder,
         lease_acquired_at = moment,
         lease_expires_at = moment + make_interval(secs => coalesce(lease_length, settings.lease_seconds)),
         excluded = case when settings.excludes_earlier_holders and target.state = 'leased'
                              and not target.lease_holder = any (i.excluded)
                         then i.excluded || target.lease_holder else i.excluded end
   where i.id = wanted_id
  returning i.lease_expires_at, i.attempt into target.lease_expires_at, target.attempt;
  insert into events (position, namespace, topic_id, item_id, type, actor, at, attempt, lease_expires_at)
  values (event_position(), wanted_namespace, target.topic_id, target.id, 'CLAIMED', new_holder, moment, target.attempt,
          target.lease_expires_at);
  return query select 'claimed', new_holder, moment, target.lease_expires_at, target.ticket, moment;
end
$$;
