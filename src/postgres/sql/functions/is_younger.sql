-- Whether a younger transaction than this one wrote a row, given the row's xmin. The rare half of comparing `age(xmin)` with 0.
create or replace function is_younger(writer xid) returns boolean
language plpgsql volatile as $$
declare
  own bigint := pg_current_xact_id()::text::bigint;
  -- Ids in rows have 32 bits and begin anew after four thousand million.
  ahead bigint := ((writer::text::bigint - own + 2147483648) & 4294967295) - 2147483648;
begin
  -- An id that nobody can have had yet is that of a row nobody has touched for half of those.
  return ahead > 0 and own + ahead < pg_snapshot_xmax(pg_current_snapshot())::text::bigint;
end
$$;
