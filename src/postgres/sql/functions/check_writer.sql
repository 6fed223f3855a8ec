-- Refuses a row that a younger transaction has written: a serialization failure, upon which the statement is run again,
-- in a transaction that is younger still. The rare half of comes_after.
create or replace function check_writer(writer xid) returns boolean
language plpgsql volatile as $$
begin
  if is_younger(writer) then
    raise exception 'a younger transaction wrote this row' using errcode = 'serialization_failure';
  end if;
  return true;
end
$$;
