-- How many items of a namespace and system somebody holds on this shard.
-- $1 namespaces text[]  $2 systems text[]  $3 holders text[]  One row each, in their order.
select (select count(*) from items i join topics t on t.id = i.topic_id
         where i.namespace = h.namespace and t.system = h.system and i.lease_holder = h.holder and i.state = 'leased'
           and i.enqueued_at is null
           and i.lease_expires_at > clock_timestamp())::integer as held
  from unnest($1::text[], $2::text[], $3::text[]) with ordinality as h (namespace, system, holder, n)
 order by h.n
