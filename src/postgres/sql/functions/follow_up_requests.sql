-- Follows up those of a digest's requests whose time has come without an answer: at first the customer is told and the
-- provider reminded, then the provider is reminded again, and at last the request is closed and the customer told.
-- The recipients that this needs come with their windows, see open_digests; a request that lacks one stays due.
-- One row: how many were followed up. At the end the next follow-up is on the engine. task: the one that calls
create or replace function follow_up_requests(
  wanted uuid,
  task uuid,
  ids uuid[],
  recipient_ids uuid[],
  versions integer[],
  starts timestamptz[],
  ends timestamptz[]
) returns integer
language plpgsql volatile as $$
declare
  target record;
  to_customer uuid;
  to_provider uuid;
  opened_of uuid[];
  opened_ids uuid[];
  moment timestamptz;
  done integer := 0;
  closes boolean;
  request_topic integer;
begin
  perform 1 from requests r where r.id = any (ids) order by r.id for update;
  select coalesce(array_agg(o.recipient), '{}'), coalesce(array_agg(o.digest), '{}') into opened_of, opened_ids
    from open_digests(recipient_ids, versions, starts, ends) o;
  perform 1 from digests d
   where d.state = 'OPEN' and d.id in (select i.digest_id from digest_items i where i.request_id = any (ids))
   order by d.id for share;
  moment := clock_timestamp();
  for target in
    select r.id, r.namespace, r.follow_ups, r.customer_id, r.provider_id, r.notified_at, c.time_zone,
           p.follow_up_business_days, p.follow_up_reminders, p.follow_up_every_days
      from requests r
      join digest_items i on i.request_id = r.id and i.kind = 'REQUEST' and i.digest_id = wanted
      join recipients p on p.id = r.provider_id join recipients c on c.id = r.customer_id
     where r.id = any (ids) and r.follow_up_at <= moment
     order by r.id
  loop
    to_customer := (select o.digest from unnest(opened_of, opened_ids) as o (recipient, digest) where o.recipient = target.customer_id);
    to_provider := (select o.digest from unnest(opened_of, opened_ids) as o (recipient, digest) where o.recipient = target.provider_id);
    closes := target.follow_ups >= greatest(target.follow_up_reminders, 1);
    continue when (closes or target.follow_ups = 0) and to_customer is null;
    -- One that has not even been sent is not reminded of.
    continue when not closes and target.follow_up_reminders > 0 and target.notified_at is not null and to_provider is null;
    done := done + 1;
    request_topic := digest_topic(target.namespace, 'requests');
    if closes then
      update requests r set closed_at = moment, follow_up_at = null, end_reason = 'It was not answered' where r.id = target.id;
      delete from digest_items i using digests d
       where i.request_id = target.id and i.kind in ('REQUEST', 'REMINDER') and d.id = i.digest_id and d.state = 'OPEN'
         and d.id <> wanted;
      insert into digest_items (request_id, kind, digest_id) values (target.id, 'CLOSED', to_customer);
      insert into events (position, namespace, topic_id, item_id, type, actor, at, reason)
      values (event_position(), target.namespace, request_topic, target.id, 'CLOSED', 'digests', moment, 'It was not answered');
      continue;
    end if;
    update requests r
       set follow_ups = r.follow_ups + 1, overdue_at = coalesce(r.overdue_at, moment),
           follow_up_at = add_days(moment, target.time_zone, target.follow_up_every_days, target.follow_up_business_days)
     where r.id = target.id;
    if target.follow_ups = 0 then
      insert into digest_items (request_id, kind, digest_id) values (target.id, 'FOLLOW_UP', to_customer);
      insert into events (position, namespace, topic_id, item_id, type, actor, at)
      values (event_position(), target.namespace, request_topic, target.id, 'FOLLOWED_UP', 'digests', moment);
    end if;
    if target.follow_up_reminders > 0 and target.notified_at is not null then
      insert into digest_items (request_id, kind, round, digest_id)
      values (target.id, 'REMINDER', target.follow_ups + 1, to_provider);
      insert into events (position, namespace, topic_id, item_id, type, actor, at)
      values (event_position(), target.namespace, request_topic, target.id, 'REMINDED', 'digests', moment);
    end if;
  end loop;
  perform add_follow_up_task(wanted, task);
  return done;
end
$$;
