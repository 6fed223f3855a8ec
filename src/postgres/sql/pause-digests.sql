-- Stops a recipient's digests. $1 id  $2 until (null: until they are let go)  $3 why  $4 who
-- Those that are held already, perhaps without an end, learn of this one.
with paused as (
  update recipients
     set paused_at = clock_timestamp(), paused_until = $2::timestamptz, paused_by = $4::text, pause_reason = $3::text,
         version = version + 1
   where id = $1::uuid
  returning id, namespace, kind, external_id
), noted as (
  insert into operator_acts (position, namespace, system, about, about_id, type, actor, reason, everywhere)
  select (select event_position()), namespace, 'digests', external_id, id::text, kind || '_PAUSED', $4::text, $3::text, false from paused
)
select release_held_digests(id) from paused where $2::timestamptz is not null
