-- Removes items of the priority queue whose time to live has ended and that nobody holds, and records it. $1 at most so many
with expired as materialized (
  select i.id, i.namespace, i.topic_id, i.attempt from items i
   where i.expires_at <= clock_timestamp() and i.state <> 'leased'
   order by i.expires_at
   limit $1::integer
     for update skip locked
), gone as (
  delete from items i using expired e where i.id = e.id
), event_rows as (
  insert into events (position, namespace, topic_id, item_id, type, actor, at, attempt)
  select (select event_position()), namespace, topic_id, id, 'EXPIRED', 'engine', clock_timestamp(), attempt from expired
)
select count(*)::integer as expired from expired
