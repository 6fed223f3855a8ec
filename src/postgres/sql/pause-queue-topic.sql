-- $1 topic id  $2 whether it is paused from now on  $3 until when (null: until it is resumed)  $4 why (or null)
update topics
   set paused_at = case when $2::boolean then coalesce(paused_at, clock_timestamp()) end,
       paused_until = case when $2::boolean then $3::timestamptz end,
       pause_reason = case when $2::boolean then $4::text end
 where id = $1::integer
