-- The digests that take what comes for some recipients now, see open_digest: those that are open in one step, the others
-- one by one in the order of their ids, so that two transactions never wait for each other. A recipient of which the
-- window was wrong has no row.
create or replace function open_digests(
  recipient_ids uuid[],
  versions integer[],
  starts timestamptz[],
  ends timestamptz[]
) returns table (recipient uuid, digest uuid)
language plpgsql volatile as $$
declare
  known_of uuid[];
  known_ids uuid[];
  target record;
begin
  with found as materialized (
    select d.recipient_id, d.id, d.at_once, d.window_end
      from digests d
     where d.recipient_id = any (recipient_ids) and d.state = 'OPEN' and (d.at_once or d.window_end > clock_timestamp())
     order by d.id
       for share
  ), best as (
    select distinct on (f.recipient_id) f.recipient_id, f.id from found f
     order by f.recipient_id, f.at_once desc, f.window_end
  )
  select coalesce(array_agg(b.recipient_id), '{}'), coalesce(array_agg(b.id), '{}') into known_of, known_ids from best b;
  for target in
    select distinct on (w.id) w.id, w.version, w.starts, w.ends
      from unnest(recipient_ids, versions, starts, ends) as w (id, version, starts, ends)
     where w.id <> all (known_of)
     order by w.id, w.version desc, w.ends desc
  loop
    digest := open_digest(target.id, target.version, target.starts, target.ends);
    if digest is not null then
      known_of := known_of || target.id;
      known_ids := known_ids || digest;
    end if;
  end loop;
  return query select * from unnest(known_of, known_ids);
end
$$;
