-- Cases by id, as of the moment of the call. A statement that has waited or worked for a while sees what was committed
-- when it began; this sees what is committed when it is called, for being volatile.
create or replace function find_cases(ids uuid[]) returns setof cases
language sql volatile as $$
  select c.* from cases c where c.id = any (ids)
$$;
