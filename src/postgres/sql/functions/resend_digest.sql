-- Sends a digest once more that was sent or failed, as new mails with the same content. False: it is neither.
create or replace function resend_digest(wanted uuid, actor_name text, why text) returns boolean
language plpgsql volatile as $$
declare
  target digests%rowtype;
begin
  select d.* into target from digests d where d.id = wanted for update;
  if target.state not in ('SENT', 'FAILED') then
    return false;
  end if;
  update digests d set state = 'SEALED', round = d.round + 1, failure = null where d.id = wanted;
  insert into events (position, namespace, topic_id, item_id, type, actor, at, reason)
  values (event_position(), target.namespace, digest_topic(target.namespace, 'digests'), wanted, 'RESENT', actor_name,
          clock_timestamp(), why);
  perform send_digest(wanted);
  return true;
end
$$;
