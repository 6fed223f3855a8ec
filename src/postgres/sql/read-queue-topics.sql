-- Topics of the priority queue with their settings. $1 namespace (or null)  $2 name (or null: all)  $3 topic ids int[] (or null)
-- $4 at most so many
select t.id, t.namespace, t.name, t.lease_seconds, t.max_attempts, t.ttl_seconds, t.payload_bytes_max, t.depth_max,
       t.in_flight_max, t.enqueues_per_second, t.ageing_seconds, t.backoff_first_seconds, t.backoff_factor,
       t.backoff_cap_seconds, d.name as dead_letter_topic, t.shards, t.history, t.created_at,
       case when t.paused_until is null or t.paused_until > clock_timestamp() then t.paused_at end as paused_at,
       t.paused_until, t.paused_by, t.pause_reason, n.queue_depth_max, n.queue_in_flight_max, n.queue_enqueues_per_second
  from topics t left join topics d on d.id = t.dead_topic_id left join namespaces n on n.name = t.namespace
 where t.system = 'queue' and ($1::text is null or t.namespace = $1::text) and ($2::text is null or t.name = $2::text)
   and ($3::integer[] is null or t.id = any ($3::integer[]))
 order by t.namespace, t.name
 limit $4::integer
