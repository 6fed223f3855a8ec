-- Says why claimers got nothing from a topic. $1 topic id  $2 holders text[]
-- $3 how many leases each may have int[] (null: any number)  $4 since when each holder's may have been acquired timestamptz[]
-- One row a holder: whether it holds as many as it may, whether an item is ready that it may take, whether any is ready,
-- whether any is held, and when the next one may become ready.
with topic as materialized (
  select namespace, system from topics where id = $1::integer
), siblings as materialized (
  select array(select t.id from topics t join topic on t.namespace = topic.namespace and t.system = topic.system) as ids
), facts as materialized (
  select exists (select from items where topic_id = $1::integer and state = 'ready') as any_ready,
         (select min(lease_expires_at) from items where topic_id = $1::integer and state = 'leased') as next_expiry,
         (select deliver_after from items where topic_id = $1::integer and state = 'delayed'
             and deliver_after < 'infinity' order by deliver_after limit 1) as next_due
)
select h.maximum is not null and h.maximum <= (
         select count(*) from items i, topic, siblings
          where i.namespace = topic.namespace and i.lease_holder = h.holder and i.state = 'leased' and i.enqueued_at is null
            and i.lease_acquired_at >= coalesce(h.floor, '-infinity') and i.lease_expires_at > clock_timestamp()
            and i.topic_id = any (siblings.ids)
       ) as holds_enough,
       f.any_ready,
       f.any_ready and exists (select from items i where i.topic_id = $1::integer and i.state = 'ready'
                                                     and not h.holder = any (i.excluded)) as ready_for_holder,
       f.next_expiry is not null as any_held,
       least(f.next_expiry, f.next_due) as next_eligible_at
  from facts f cross join unnest($2::text[], $3::integer[], $4::timestamptz[]) with ordinality as h (holder, maximum, floor, n)
 order by h.n
