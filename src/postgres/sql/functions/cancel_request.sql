-- Takes a request back. One that was sent to its provider goes there once more, as cancelled. Outcome 'cancelled', 'over'
-- (answered, closed or cancelled before) or 'window' (the provider's window is another one now).
create or replace function cancel_request(
  wanted uuid,
  actor_name text,
  why text,
  provider_version integer,
  starts timestamptz,
  ends timestamptz
) returns text
language plpgsql volatile as $$
declare
  target requests%rowtype;
  opened uuid;
begin
  select r.* into target from requests r where r.id = wanted for update;
  if target.answered_at is not null or target.closed_at is not null or target.cancelled_at is not null then
    return 'over';
  end if;
  perform 1 from digest_items i join digests d on d.id = i.digest_id
   where i.request_id = wanted and i.kind = 'REQUEST' and d.state = 'OPEN'
     for share of d;
  if found then
    delete from digest_items i where i.request_id = wanted and i.kind = 'REQUEST';
  else
    opened := open_digest(target.provider_id, provider_version, starts, ends);
    if opened is null then
      return 'window';
    end if;
    delete from digest_items i using digests d
     where i.request_id = wanted and i.kind = 'REMINDER' and d.id = i.digest_id and d.state = 'OPEN';
    insert into digest_items (request_id, kind, digest_id) values (wanted, 'CANCELLED', opened);
  end if;
  update requests r set cancelled_at = clock_timestamp(), follow_up_at = null, end_reason = why where r.id = wanted;
  insert into events (position, namespace, topic_id, item_id, type, actor, at, reason)
  values (event_position(), target.namespace, digest_topic(target.namespace, 'requests'), wanted, 'CANCELLED', actor_name,
          clock_timestamp(), why);
  return 'cancelled';
end
$$;
