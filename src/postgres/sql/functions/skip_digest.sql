-- Lets an open digest's window pass without a mail: what it holds goes with the next window, which also takes what still
-- comes in this one. Outcome 'skipped', 'over' (it is not open), 'window' (it ended meanwhile, or the recipient changed).
create or replace function skip_digest(
  wanted uuid,
  actor_name text,
  why text,
  known_version integer,
  next_start timestamptz,
  next_end timestamptz
) returns text
language plpgsql volatile as $$
declare
  target digests%rowtype;
  who recipients%rowtype;
  moment timestamptz;
  next_id uuid;
begin
  select r.* into who from recipients r where r.id = (select d.recipient_id from digests d where d.id = wanted) for update;
  select d.* into target from digests d where d.id = wanted for update;
  moment := clock_timestamp();
  if target.state <> 'OPEN' or target.at_once then
    return 'over';
  end if;
  if who.version <> known_version or next_start < target.window_end or next_end <= moment then
    return 'window';
  end if;
  select d.id into next_id from digests d
   where d.recipient_id = target.recipient_id and d.state = 'OPEN' and not d.at_once and d.window_end > target.window_end
     and d.window_end > moment
   order by d.window_end limit 1 for update;
  if not found then
    next_id := sibling_id(wanted);
    insert into digests (id, namespace, recipient_id, direction, state, window_start, window_end, at_once, job_id, opened_at)
    values (next_id, target.namespace, target.recipient_id, target.direction, 'OPEN', next_start, next_end, false,
            sibling_id(wanted), moment);
    insert into events (position, namespace, topic_id, item_id, type, actor, at)
    values (event_position(), target.namespace, digest_topic(target.namespace, 'digests'), next_id, 'OPENED', actor_name, moment);
    perform add_digest_task(next_id, 'digest-seal', jsonb_build_object('digestId', next_id), next_end, 20);
  end if;
  update digest_items i set digest_id = next_id where i.digest_id = wanted;
  update digests d set state = 'SKIPPED', merged_into = next_id, held = false where d.id = wanted;
  insert into events (position, namespace, topic_id, item_id, type, actor, at, reason)
  values (event_position(), target.namespace, digest_topic(target.namespace, 'digests'), wanted, 'SKIPPED', actor_name, moment, why);
  perform add_follow_up_task(next_id, null);
  return 'skipped';
end
$$;
