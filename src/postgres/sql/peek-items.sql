-- The items of a topic in the order of their delivery: what is ready, then what waits for its time, then what is held.
-- $1 topic id  $2 at most so many  One row an item; columns: see functions/queue_items.sql, and its place.
with ready as (
  select id, row_number() over (order by priority, deliver_after, id) as place from (
    select id, priority, deliver_after from items where topic_id = $1::integer and state = 'ready'
     order by priority, deliver_after, id limit $2::integer) r
), delayed as (
  select id, row_number() over (order by deliver_after, priority, id) + 1000000 as place from (
    select id, priority, deliver_after from items where topic_id = $1::integer and state = 'delayed'
     order by deliver_after, priority, id limit $2::integer) d
), leased as (
  select id, row_number() over (order by lease_expires_at, id) + 2000000 as place from (
    select id, lease_expires_at from items where topic_id = $1::integer and state = 'leased'
     order by lease_expires_at, id limit $2::integer) l
), chosen as materialized (
  select * from (select * from ready union all select * from delayed union all select * from leased) a
   order by place limit $2::integer
)
select q.* from chosen c join queue_items((select array_agg(id) from chosen)) q on q.id = c.id order by c.place
