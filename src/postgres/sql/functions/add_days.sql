-- The moment so many days later at the same time of day by a zone's clocks. Business days are Monday to Friday; a
-- weekend counts as the end of its Friday.
create or replace function add_days(moment timestamptz, zone text, days integer, business boolean) returns timestamptz
language plpgsql stable parallel safe as $$
declare
  wall timestamp := moment at time zone zone;
  remaining integer := days % 5;
begin
  if not business then
    return (wall + make_interval(days => days)) at time zone zone;
  end if;
  while days > 0 and extract(isodow from wall) > 5 loop
    wall := wall - interval '1 day';
  end loop;
  wall := wall + make_interval(days => days / 5 * 7);
  while remaining > 0 loop
    wall := wall + interval '1 day';
    if extract(isodow from wall) <= 5 then
      remaining := remaining - 1;
    end if;
  end loop;
  return wall at time zone zone;
end
$$;
