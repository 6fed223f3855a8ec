-- Stops a recipient's digests. $1 id  $2 until (null: until they are let go)  $3 why
-- Those that are held already, perhaps without an end, learn of this one.
with paused as (
  update recipients
     set paused_at = clock_timestamp(), paused_until = $2::timestamptz, pause_reason = $3::text, version = version + 1
   where id = $1::uuid
  returning id
)
select release_held_digests(id) from paused where $2::timestamptz is not null
