-- What claimers would find on a topic of this shard, for claims over several shards.
-- $1 topic id  $2 holders text[]
-- One row a holder: how many items of the topic's namespace and system it holds, the key of the best ready item that it
-- may take, whether any is ready, whether any is held, when the next one may become ready, whether the topic is paused.
with topic as materialized (
  select namespace, system, paused_at is not null and coalesce(paused_until > clock_timestamp(), true) as paused
    from topics where id = $1::integer
), siblings as materialized (
  select array(select t.id from topics t join topic on t.namespace = topic.namespace and t.system = topic.system) as ids
), facts as materialized (
  select exists (select from items where topic_id = $1::integer and state = 'ready') as any_ready,
         (select min(lease_expires_at) from items where topic_id = $1::integer and state = 'leased') as next_expiry,
         (select deliver_after from items where topic_id = $1::integer and state = 'delayed' order by deliver_after limit 1) as next_due
)
select (select count(*) from items i, topic, siblings
         where i.namespace = topic.namespace and i.lease_holder = h.holder and i.state = 'leased' and i.enqueued_at is null
           and i.lease_expires_at > clock_timestamp() and i.topic_id = any (siblings.ids))::integer as held,
       head.priority, head.deliver_after, head.id, topic.paused,
       f.any_ready, f.next_expiry is not null as any_held, least(f.next_expiry, f.next_due) as next_eligible_at
  from facts f cross join topic cross join unnest($2::text[]) with ordinality as h (holder, n)
  left join lateral (
    select i.priority, i.deliver_after, i.id from items i
     where i.topic_id = $1::integer and i.state = 'ready' and not h.holder = any (i.excluded)
     order by i.priority, i.deliver_after, i.id limit 1) head on true
 order by h.n
