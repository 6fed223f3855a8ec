-- Removes items that nobody holds, and records it. $1 topic id  $2 enqueued before  $3 priority at least (or null)
-- $4 at most so many  $5 who  $6 why (or null)
with doomed as materialized (
  select id, namespace, topic_id, attempt from items
   where topic_id = $1::integer and state in ('ready', 'delayed') and enqueued_at <= $2::timestamptz
     and ($3::integer is null or given_priority >= $3::integer)
   limit $4::integer
     for update skip locked
), gone as (
  delete from items i using doomed d where i.id = d.id
), event_rows as (
  insert into events (position, namespace, topic_id, item_id, type, actor, at, attempt, reason)
  select (select event_position()), namespace, topic_id, id, 'PURGED', $5::text, clock_timestamp(), attempt, $6::text from doomed
)
select count(*)::integer as purged from doomed
