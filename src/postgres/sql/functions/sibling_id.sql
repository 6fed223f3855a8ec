-- A new id (UUIDv7) that names the same shard as another one.
create or replace function sibling_id(other uuid) returns uuid
language sql volatile parallel safe as $$
  select (substr(time, 1, 8) || '-' || substr(time, 9) || '-7' || substr(other::text, 16, 3)
          || substr(gen_random_uuid()::text, 19))::uuid
    from (select lpad(to_hex(floor(extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0')) as t (time)
$$;
