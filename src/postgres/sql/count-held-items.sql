-- How many items of a namespace and system somebody holds on this shard.
-- $1 namespaces text[]  $2 systems text[]  $3 holders text[]  One row each, in their order.
-- A lease that has ended by the clock counts while its row is locked: it may have been extended in time by a transaction
-- that is not committed yet.
with held as materialized (
  select h.n, i.id, i.lease_expires_at > clock_timestamp() as is_alive
    from unnest($1::text[], $2::text[], $3::text[]) with ordinality as h (namespace, system, holder, n)
    join items i on i.namespace = h.namespace and i.lease_holder = h.holder and i.state = 'leased' and i.enqueued_at is null
    join topics t on t.id = i.topic_id and t.system = h.system
), ended as materialized (
  select i.id from items i
   where i.id = any (array(select held.id from held where not held.is_alive))
     and (i.state <> 'leased' or i.lease_expires_at <= clock_timestamp())
     for update skip locked
)
select count(held.id)::integer as held
  from unnest($1::text[]) with ordinality as h (namespace, n)
  left join held on held.n = h.n and (held.is_alive or held.id not in (select id from ended))
 group by h.n
 order by h.n
