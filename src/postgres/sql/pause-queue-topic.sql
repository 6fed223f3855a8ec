-- $1 topic id  $2 whether it is paused from now on  $3 until when (null: until it is resumed)  $4 why (or null)  $5 who
with changed as (
  update topics
     set paused_at = case when $2::boolean then coalesce(paused_at, clock_timestamp()) end,
         paused_until = case when $2::boolean then $3::timestamptz end,
         paused_by = case when $2::boolean then $5::text end,
         pause_reason = case when $2::boolean then $4::text end
   where id = $1::integer
  returning namespace, name
)
insert into operator_acts (position, namespace, system, about, about_id, type, actor, reason, everywhere)
select (select event_position()), namespace, 'queue', name, name, case when $2::boolean then 'PAUSED' else 'RESUMED' end, $5::text, $4::text, true from changed
