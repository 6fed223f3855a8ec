-- Refuses a row that a younger transaction has written: a serialization failure, upon which the statement is run again,
-- in a transaction that is younger still. The rare half of comes_after.
create or replace function check_writer(writer xid) returns boolean
language plpgsql volatile as $$
declare
  own bigint := pg_current_xact_id()::text::bigint;
  -- Ids in rows have 32 bits and begin anew after four thousand million.
  ahead bigint := ((writer::text::bigint - own + 2147483648) & 4294967295) - 2147483648;
begin
  -- An id that nobody can have had yet is that of a row nobody has touched for half of those.
  if ahead > 0 and own + ahead < pg_snapshot_xmax(pg_current_snapshot())::text::bigint then
    raise exception 'a younger transaction wrote this row' using errcode = 'serialization_failure';
  end if;
  return true;
end
$$;
