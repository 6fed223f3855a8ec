-- How many items a purge would remove now, and now. $1 topic id  $2 enqueued before (null: now)  $3 priority at least (or null)
select count(*)::float8 as items, clock_timestamp() as at
  from items
 where topic_id = $1::integer and state in ('ready', 'delayed')
   and enqueued_at <= coalesce($2::timestamptz, clock_timestamp())
   and ($3::integer is null or given_priority >= $3::integer)
