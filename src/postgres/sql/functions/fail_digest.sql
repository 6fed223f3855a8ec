-- A mail of a digest cannot be sent. bounced: its address refuses mail, so nothing more is sent there until somebody looks.
create or replace function fail_digest(
  wanted uuid,
  wanted_part integer,
  wanted_round integer,
  what text,
  bounced boolean
) returns void
language plpgsql volatile as $$
declare
  target digests%rowtype;
  moment timestamptz;
begin
  select d.* into target from digests d where d.id = wanted;
  if bounced then
    update recipients r set bounced_at = coalesce(r.bounced_at, clock_timestamp()), bounce_reason = what
     where r.id = target.recipient_id;
  end if;
  select d.* into target from digests d where d.id = wanted for update;
  moment := clock_timestamp();
  update digest_mails m set failure = what
   where m.digest_id = wanted and m.part = wanted_part and m.round = wanted_round and m.sent_at is null;
  if not found or target.state <> 'SENDING' or target.round <> wanted_round then
    return;
  end if;
  update digests d set state = 'FAILED', failure = what where d.id = wanted;
  insert into events (position, namespace, topic_id, item_id, type, actor, at, reason)
  values (event_position(), target.namespace, digest_topic(target.namespace, 'digests'), wanted, 'FAILED', 'digests', moment, what);
end
$$;
