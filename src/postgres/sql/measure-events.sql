-- How long the oldest event that was not published yet has waited, in seconds; 0 when all are. For the metrics.
select greatest(0, coalesce(max(extract(epoch from clock_timestamp() - e.at)), 0))::float8 as behind_seconds
  from event_relay r
 cross join lateral (
   select at from events
    where (position, sequence) > (r.position, r.sequence)
    order by position, sequence
    limit 1
 ) e
