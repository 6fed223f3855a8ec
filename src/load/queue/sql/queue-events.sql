-- What happened to the items of the queue of a namespace, in the order in which it happened to each. $1 namespace
select e.position::float8 as "position", e.sequence::float8 as "sequence", e.item_id as "itemId", e.type, e.actor,
       (extract(epoch from e.at) * 1000000)::bigint::float8 as "atMicros", e.attempt,
       (extract(epoch from e.lease_expires_at) * 1000000)::bigint::float8 as "leaseExpiresAtMicros", e.reason
  from item_events e join topics t on t.id = e.topic_id
 where e.namespace = $1::text and t.system = 'queue'
 order by e.sequence
