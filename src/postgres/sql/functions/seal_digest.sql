-- Seals a digest whose time has come: from here on its content stands. Done twice, or by two workers at once, it is done
-- once. Outcome 'sealed', 'done' (nothing is open any more), 'early' (not before the returned time), 'held' (its recipient
-- is paused, until the returned time if that is known, or its mail bounces) or 'empty' (nothing is sent).
create or replace function seal_digest(wanted uuid, wanted_namespace text) returns table (outcome text, not_before timestamptz)
language plpgsql volatile as $$
declare
  target digests%rowtype;
  who recipients%rowtype;
  moment timestamptz;
  others uuid[];
  target_id uuid;
  counted integer;
  needed integer;
begin
  select d.* into target from digests d where d.id = wanted and d.namespace = wanted_namespace;
  if not found then
    return;
  end if;
  -- The recipient first: all that opens or seals its digests waits here.
  select r.* into who from recipients r where r.id = target.recipient_id for update;
  -- Waits for those who are writing into it.
  select d.* into target from digests d where d.id = wanted for update;
  moment := clock_timestamp();
  if target.state <> 'OPEN' then
    return query select 'done', null::timestamptz;
    return;
  end if;
  if target.window_end > moment then
    return query select 'early', target.window_end;
    return;
  end if;
  if who.bounced_at is not null or (who.paused_at is not null and (who.paused_until is null or who.paused_until > moment)) then
    if not target.held then
      update digests d set held = true where d.id = wanted;
      insert into events (position, namespace, topic_id, item_id, type, actor, at, reason)
      values (event_position(), target.namespace, digest_topic(target.namespace, 'digests'), wanted, 'HELD', 'digests', moment,
              case when who.bounced_at is not null then who.bounce_reason else who.pause_reason end);
      -- Customers who wait are told all the same.
      perform add_follow_up_task(wanted, null);
    end if;
    return query select 'held', case when who.bounced_at is null then who.paused_until end;
    return;
  end if;
  target_id := wanted;
  -- Windows that passed while nothing was sent go out as one, where the recipient wants that.
  if who.catch_up = 'MERGE' then
    select array_agg(d.id order by d.window_end, d.id) into others
      from (select d.id, d.window_end from digests d
             where d.recipient_id = target.recipient_id and d.state = 'OPEN' and d.window_end <= moment
             order by d.id for update) d;
    target_id := others[cardinality(others)];
    others := array_remove(others, target_id);
    if cardinality(others) > 0 then
      update digest_items i set digest_id = target_id where i.digest_id = any (others);
      update digests d set state = 'SKIPPED', merged_into = target_id, held = false where d.id = any (others);
      insert into events (position, namespace, topic_id, item_id, type, actor, at, reason)
      select (select event_position()), target.namespace, digest_topic(target.namespace, 'digests'), o.id, 'MERGED', 'digests',
             moment, target_id::text
        from unnest(others) as o (id);
    end if;
  end if;
  select count(*) into counted from digest_items i where i.digest_id = target_id;
  if counted = 0 then
    update digests d set state = 'SKIPPED', held = false where d.id = target_id;
    insert into events (position, namespace, topic_id, item_id, type, actor, at, reason)
    values (event_position(), target.namespace, digest_topic(target.namespace, 'digests'), target_id, 'SKIPPED', 'digests',
            moment, 'It was empty');
    return query select 'empty', null::timestamptz;
    return;
  end if;
  needed := (counted + who.items_per_mail - 1) / who.items_per_mail;
  if needed > 1 then
    update digest_items i set part = n.part
      from (select x.request_id, x.kind, x.round,
                   (row_number() over (order by x.request_id, x.kind) - 1) / who.items_per_mail + 1 as part
              from digest_items x where x.digest_id = target_id) n
     where i.request_id = n.request_id and i.kind = n.kind and i.round = n.round;
  end if;
  update recipients r set digests_sealed = r.digests_sealed + 1 where r.id = who.id;
  update digests d
     set state = 'SEALED', sealed_at = moment, number = who.digests_sealed + 1, item_count = counted, parts = needed,
         held = false
   where d.id = target_id;
  insert into events (position, namespace, topic_id, item_id, type, actor, at, reason)
  select (select event_position()), target.namespace, digest_topic(target.namespace, 'digests'), target_id, 'SEALED',
         'digests', moment, null
  union all
  select (select event_position()), target.namespace, (select digest_topic(target.namespace, 'requests')), i.request_id,
         'IN_DIGEST', 'digests', moment, 'Digest ' || (who.digests_sealed + 1)
    from digest_items i where i.digest_id = target_id and i.kind = 'REQUEST';
  perform send_digest(target_id);
  perform add_follow_up_task(target_id, null);
  return query select 'sealed', null::timestamptz;
end
$$;
