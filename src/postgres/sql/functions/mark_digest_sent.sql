-- A mail of a digest was taken by the mail server: its part, its requests and, when it was the last, the digest are marked.
-- Done twice it is done once.
create or replace function mark_digest_sent(wanted uuid, wanted_part integer, wanted_round integer, message text) returns void
language plpgsql volatile as $$
declare
  target digests%rowtype;
  moment timestamptz;
begin
  select d.* into target from digests d where d.id = wanted for update;
  moment := clock_timestamp();
  update digest_mails m set sent_at = moment, message_id = message, failure = null
   where m.digest_id = wanted and m.part = wanted_part and m.round = wanted_round and m.sent_at is null;
  if not found then
    return;
  end if;
  with told as materialized (
    select r.id, i.kind, target.direction = 'TO_PROVIDER' as to_provider
      from digest_items i join requests r on r.id = i.request_id
     where i.digest_id = wanted and i.part = wanted_part
       and case i.kind when 'REQUEST' then r.notified_at is null when 'ANSWER' then r.customer_notified_at is null
                       else false end
     order by r.id for update of r
  ), request_rows as (
    update requests r
       set notified_at = case t.kind when 'REQUEST' then moment else r.notified_at end,
           customer_notified_at = case t.kind when 'ANSWER' then moment else r.customer_notified_at end
      from told t where r.id = t.id
  )
  insert into events (position, namespace, topic_id, item_id, type, actor, at, reason)
  select (select event_position()), target.namespace, (select digest_topic(target.namespace, 'requests')), t.id,
         case t.kind when 'REQUEST' then 'NOTIFIED' else 'CUSTOMER_NOTIFIED' end, 'digests', moment, 'Digest ' || target.number
    from told t;
  if target.state in ('SENDING', 'FAILED') and target.round = wanted_round and not exists (
    select from digest_mails m where m.digest_id = wanted and m.round = wanted_round and m.sent_at is null
  ) then
    update digests d set state = 'SENT', sent_at = coalesce(d.sent_at, moment), failure = null where d.id = wanted;
    insert into events (position, namespace, topic_id, item_id, type, actor, at)
    values (event_position(), target.namespace, digest_topic(target.namespace, 'digests'), wanted, 'SENT', 'digests', moment);
  elsif target.state = 'SENDING' and target.round = wanted_round and not exists (
    select from digest_mails m where m.digest_id = wanted and m.round = wanted_round and m.sent_at is null and m.failure is null
  ) then
    -- The last one was taken, but another part cannot be sent.
    update digests d
       set state = 'FAILED',
           failure = (select m.failure from digest_mails m where m.digest_id = wanted and m.round = wanted_round and m.sent_at is null
                       order by m.part limit 1)
     where d.id = wanted;
  end if;
end
$$;
