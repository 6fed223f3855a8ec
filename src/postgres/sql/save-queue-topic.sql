-- Changes a topic's settings; what is null stays as it is, but where its name stands in $3 it is taken away.
-- $1 topic id  $2 settings json: lease_seconds, max_attempts, ttl_seconds, payload_bytes_max, depth_max, in_flight_max,
-- enqueues_per_second, ageing_seconds, backoff_first_seconds, backoff_factor, backoff_cap_seconds, dead_topic_id, shards,
-- history  $3 names of settings that are taken away text[]
-- $4 who  $5 what they changed, and why
with wanted as materialized (
  select * from json_to_record($2::json) as w (
    lease_seconds integer, max_attempts integer, ttl_seconds integer, payload_bytes_max integer, depth_max integer,
    in_flight_max integer, enqueues_per_second integer, ageing_seconds integer, backoff_first_seconds integer,
    backoff_factor double precision, backoff_cap_seconds integer, dead_topic_id integer, shards integer, history boolean)
), changed as (
  update topics t
     set lease_seconds = coalesce(w.lease_seconds, t.lease_seconds),
         max_attempts = coalesce(w.max_attempts, t.max_attempts),
         payload_bytes_max = coalesce(w.payload_bytes_max, t.payload_bytes_max),
         shards = coalesce(w.shards, t.shards),
         history = coalesce(w.history, t.history),
         dead_topic_id = coalesce(w.dead_topic_id, t.dead_topic_id),
         ttl_seconds = case when 'ttl_seconds' = any ($3::text[]) then null else coalesce(w.ttl_seconds, t.ttl_seconds) end,
         depth_max = case when 'depth_max' = any ($3::text[]) then null else coalesce(w.depth_max, t.depth_max) end,
         in_flight_max = case when 'in_flight_max' = any ($3::text[]) then null else coalesce(w.in_flight_max, t.in_flight_max) end,
         enqueues_per_second = case when 'enqueues_per_second' = any ($3::text[]) then null
                                    else coalesce(w.enqueues_per_second, t.enqueues_per_second) end,
         ageing_seconds = case when 'ageing_seconds' = any ($3::text[]) then null
                               else coalesce(w.ageing_seconds, t.ageing_seconds) end,
         backoff_first_seconds = case when 'backoff' = any ($3::text[]) then null
                                      else coalesce(w.backoff_first_seconds, t.backoff_first_seconds) end,
         backoff_factor = case when 'backoff' = any ($3::text[]) then null else coalesce(w.backoff_factor, t.backoff_factor) end,
         backoff_cap_seconds = case when 'backoff' = any ($3::text[]) then null
                                    else coalesce(w.backoff_cap_seconds, t.backoff_cap_seconds) end
    from wanted w
   where t.id = $1::integer
  returning t.namespace, t.name
)
insert into operator_acts (position, namespace, system, about, about_id, type, actor, reason, everywhere)
select (select event_position()), namespace, 'queue', name, name, 'SETTINGS_CHANGED', $4::text, $5::text, true from changed
