-- The items of each topic by state (dead: tasks that failed for good, and items that lie as dead letters elsewhere), and how long the one that waits longest has been ready; for the metrics. The topics
-- with the most items, with how many topics there are. $1 topics at most
with open as materialized (
  select topic_id,
         count(*) filter (where state = 'ready')::float8 as waiting,
         count(*) filter (where state = 'leased')::float8 as leased,
         count(*) filter (where state = 'delayed')::float8 as delayed,
         min(deliver_after) filter (where state = 'ready') as oldest
    from items group by topic_id
), failed as materialized (
  select namespace, kind, count(*)::float8 as failed from tasks where outcome = 'FAILED' group by namespace, kind
), dead as materialized (
  select origin_topic_id, count(*)::float8 as dead from items where origin_topic_id is not null group by origin_topic_id
)
select t.system, t.namespace, t.name as topic,
       coalesce(o.waiting, 0) as waiting, coalesce(o.leased, 0) as leased, coalesce(o.delayed, 0) as delayed,
       coalesce(f.failed, d.dead, 0) as dead,
       greatest(0, coalesce(extract(epoch from clock_timestamp() - o.oldest), 0))::float8 as oldest_seconds,
       (count(*) over ())::float8 as topics
  from topics t
  left join open o on o.topic_id = t.id
  left join failed f on t.system = 'tasks' and f.namespace = t.namespace and f.kind = t.name
  left join dead d on d.origin_topic_id = t.id
 where o.topic_id is not null or f.failed is not null or d.dead is not null
 order by coalesce(o.waiting, 0) + coalesce(o.leased, 0) + coalesce(o.delayed, 0) + coalesce(f.failed, d.dead, 0) desc, t.id
 limit $1
