-- True for a row that this transaction may write an event of, given the xmin of the row, which it has locked.
--
-- Events stand in the order of their transactions' ids. A transaction has its id from its first write on, and may then
-- wait for another row while a younger one writes to that and is committed. Its own event of that row would come before
-- what it follows. So a row's writers are held to the order of their ids: whoever comes late gets a serialization failure
-- (see check_writer) and is run again. The statements that write events ask this of what they have
-- locked; taking items of the priority queue leaves such a row to the next look instead.
create or replace function comes_after(writer xid) returns boolean
language sql volatile as $$
  select age(writer) >= 0 or check_writer(writer)
$$;
