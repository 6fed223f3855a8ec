-- The digest that takes what comes for a recipient now: the open one, or a new one with its window as a task. It stays
-- open until the calling transaction ends. Null: the window that the caller worked out is not the one now, or the
-- recipient has changed since; nothing was done.
-- starts, ends: the window of this moment by the recipient's schedule; null when it has none and all goes at once.
create or replace function open_digest(
  for_recipient uuid,
  known_version integer,
  starts timestamptz,
  ends timestamptz
) returns uuid
language plpgsql volatile as $$
declare
  found_id uuid;
  who record;
  moment timestamptz;
  goes_at_once boolean;
begin
  -- Shared: many may write into one digest at a time; only its sealing waits for all of them.
  select d.id into found_id from digests d
   where d.recipient_id = for_recipient and d.state = 'OPEN' and (d.at_once or d.window_end > clock_timestamp())
   order by d.at_once desc, d.window_end
   limit 1
     for share;
  if found then
    return found_id;
  end if;
  -- One at a time makes the new one. The recipient first, then its digests: sealing locks in the same order.
  select * into who from recipients r where r.id = for_recipient for update;
  if not found or who.version <> known_version then
    return null;
  end if;
  select d.id into found_id from digests d
   where d.recipient_id = for_recipient and d.state = 'OPEN' and (d.at_once or d.window_end > clock_timestamp())
   order by d.at_once desc, d.window_end
   limit 1
     for share;
  if found then
    return found_id;
  end if;
  moment := clock_timestamp();
  if who.schedule is not null and (starts is null or moment < starts or moment >= ends) then
    return null;
  end if;
  goes_at_once := who.schedule is null
    or (who.first_item = 'AT_ONCE'
        and not exists (select from digests d where d.recipient_id = for_recipient and d.window_start >= starts));
  -- One that was sent ahead of its window's end: the next one takes over where it stopped.
  select greatest(starts, max(d.window_end)) into starts from digests d
   where d.recipient_id = for_recipient and not d.at_once and d.window_start >= starts and d.window_end <= moment;
  found_id := sibling_id(for_recipient);
  insert into digests (id, namespace, recipient_id, direction, state, window_start, window_end, at_once, job_id, opened_at)
  values (found_id, who.namespace, for_recipient,
          case who.kind when 'PROVIDER' then 'TO_PROVIDER' else 'TO_CUSTOMER' end, 'OPEN',
          case when who.schedule is null then moment else starts end,
          case when goes_at_once then moment else ends end, goes_at_once, sibling_id(for_recipient), moment);
  insert into events (position, namespace, topic_id, item_id, type, actor, at)
  values (event_position(), who.namespace, digest_topic(who.namespace, 'digests'), found_id, 'OPENED', 'digests', moment);
  perform add_digest_task(found_id, 'digest-seal', jsonb_build_object('digestId', found_id),
                          case when goes_at_once then moment else ends end, 20);
  return found_id;
end
$$;
