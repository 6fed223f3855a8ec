-- The digests that take what comes for some recipients now, see open_digest. Recipients are taken in the order of their
-- ids, so that two transactions never wait for each other. One of which the window was wrong has no row.
create or replace function open_digests(
  recipient_ids uuid[],
  versions integer[],
  starts timestamptz[],
  ends timestamptz[]
) returns table (recipient uuid, digest uuid)
language plpgsql volatile as $$
declare
  target record;
begin
  for target in
    select distinct on (w.id) w.id, w.version, w.starts, w.ends
      from unnest(recipient_ids, versions, starts, ends) as w (id, version, starts, ends)
     order by w.id, w.version desc, w.ends desc
  loop
    recipient := target.id;
    digest := open_digest(target.id, target.version, target.starts, target.ends);
    if digest is not null then
      return next;
    end if;
  end loop;
end
$$;
