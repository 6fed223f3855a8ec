-- The last complete event's place; no row before the first.
select position::float8 as position, sequence::float8 as sequence
  from events where position < (select event_horizon())
 order by position desc, sequence desc
 limit 1
