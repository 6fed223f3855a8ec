-- The topic to which items go whose attempts are used up; made when there is none yet.
create or replace function dead_topic_of(wanted integer) returns integer
language plpgsql volatile
as $$
declare
  source record;
  found_id integer;
begin
  select t.namespace, t.system, t.name, t.dead_topic_id into source from topics t where t.id = wanted;
  if source.dead_topic_id is not null then
    return source.dead_topic_id;
  end if;
  insert into topics (namespace, system, name, max_attempts, lease_seconds)
  values (source.namespace, source.system, left(source.name, 58) || '-dead', 0, 60)
  on conflict do nothing;
  select t.id into found_id from topics t
   where t.namespace = source.namespace and t.system = source.system and t.name = left(source.name, 58) || '-dead';
  update topics t set dead_topic_id = found_id where t.id = wanted and t.dead_topic_id is null;
  return found_id;
end
$$;
