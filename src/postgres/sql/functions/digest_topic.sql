-- The topic under which what happens to requests or digests of a namespace is told: 'requests' or 'digests'. They have
-- events, but no items.
create or replace function digest_topic(wanted_namespace text, wanted_name text) returns integer
language plpgsql volatile as $$
declare
  found_id integer;
begin
  select t.id into found_id from topics t
   where t.namespace = wanted_namespace and t.system = 'digests' and t.name = wanted_name;
  if not found then
    insert into topics (namespace, system, name) values (wanted_namespace, 'digests', wanted_name) on conflict do nothing;
    select t.id into found_id from topics t
     where t.namespace = wanted_namespace and t.system = 'digests' and t.name = wanted_name;
  end if;
  return found_id;
end
$$;
