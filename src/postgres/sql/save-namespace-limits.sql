-- The limits of a namespace in the priority queue; null: none. $1 namespace  $2 depth  $3 in flight  $4 enqueues a second
-- $5 who  $6 what they set, and why
with saved as (
  insert into namespaces (name, queue_depth_max, queue_in_flight_max, queue_enqueues_per_second)
  values ($1::text, $2::integer, $3::integer, $4::integer)
  on conflict (name) do update
     set queue_depth_max = excluded.queue_depth_max, queue_in_flight_max = excluded.queue_in_flight_max,
         queue_enqueues_per_second = excluded.queue_enqueues_per_second
  returning name
)
insert into operator_acts (position, namespace, system, about, about_id, type, actor, reason, everywhere)
select (select event_position()), name, 'queue', 'all topics', name, 'LIMITS_SET', $5::text, $6::text, true from saved
