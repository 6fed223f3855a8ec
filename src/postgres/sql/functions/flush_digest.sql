-- Ends an open digest's window now. False: it is not open.
create or replace function flush_digest(wanted uuid, actor_name text) returns boolean
language plpgsql volatile as $$
declare
  target digests%rowtype;
begin
  perform 1 from recipients r where r.id = (select d.recipient_id from digests d where d.id = wanted) for update;
  select d.* into target from digests d where d.id = wanted for update;
  if target.state <> 'OPEN' then
    return false;
  end if;
  update digests d set window_end = least(d.window_end, clock_timestamp()) where d.id = wanted;
  insert into events (position, namespace, topic_id, item_id, type, actor, at)
  values (event_position(), target.namespace, digest_topic(target.namespace, 'digests'), wanted, 'FLUSHED', actor_name,
          clock_timestamp());
  perform add_digest_task(wanted, 'digest-seal', jsonb_build_object('digestId', wanted), null, 20);
  return true;
end
$$;
