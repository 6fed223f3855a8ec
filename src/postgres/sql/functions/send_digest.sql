-- Puts the mails of a sealed digest on the engine, one task a part, for the digest's present round.
create or replace function send_digest(wanted uuid) returns void
language plpgsql volatile as $$
declare
  target record;
begin
  for target in
    select d.id, d.round, p.part from digests d cross join lateral generate_series(1, d.parts) as p (part) where d.id = wanted
  loop
    insert into digest_mails (digest_id, part, round) values (target.id, target.part, target.round) on conflict do nothing;
    perform add_digest_task(target.id, 'digest-send',
                            jsonb_build_object('digestId', target.id, 'part', target.part, 'round', target.round), null, 36);
  end loop;
end
$$;
