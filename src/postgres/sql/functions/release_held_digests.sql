-- The digests of a recipient that were due while it was paused or bounced are due again now.
create or replace function release_held_digests(wanted uuid) returns void
language plpgsql volatile as $$
declare
  held_id uuid;
begin
  for held_id in
    select d.id from digests d where d.recipient_id = wanted and d.state = 'OPEN' and d.held order by d.id
  loop
    perform add_digest_task(held_id, 'digest-seal', jsonb_build_object('digestId', held_id), null, 20);
  end loop;
end
$$;
