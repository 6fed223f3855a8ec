-- Stops a recipient's digests. $1 id  $2 until (null: until they are let go)  $3 why
update recipients
   set paused_at = clock_timestamp(), paused_until = $2::timestamptz, pause_reason = $3::text, version = version + 1
 where id = $1::uuid
returning id
