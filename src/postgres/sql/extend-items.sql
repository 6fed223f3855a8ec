-- Moves the end of leases of the priority queue, each under its fencing token; counted from now, it may lie before the old.
-- $1 item ids uuid[]  $2 lease tokens uuid[]  $3 namespaces text[]  $4 seconds from now int[]
-- $5 the longest a lease may last in all, seconds
-- Outcome 'extended', 'limit' (it would last longer than $5) or 'refused'. No item may stand twice in one batch.
with entry as materialized (
  select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::integer[]) with ordinality as e (id, token, namespace, seconds, n)
), locked as materialized (
  select i.id, i.xmin as writer, i.namespace, i.state, i.lease_token, i.lease_acquired_at, i.lease_expires_at, t.history
    from items i join topics t on t.id = i.topic_id
   where i.id = any ($1::uuid[]) and t.system = 'queue'
   order by i.id
     for update of i
), live as materialized (
  select e.*, l.lease_acquired_at, l.history, clock_timestamp() as at,
         clock_timestamp() + make_interval(secs => e.seconds) > l.lease_acquired_at + make_interval(secs => $5::integer) as too_long
    from entry e join locked l on l.id = e.id
   where l.state = 'leased' and l.lease_token = e.token and l.namespace = e.namespace
     and l.lease_expires_at > clock_timestamp() and comes_after(l.writer)
), extended as (
  update items i set lease_expires_at = v.at + make_interval(secs => v.seconds)
    from live v where i.id = v.id and not v.too_long
  returning i.id, i.namespace, i.topic_id, i.attempt, i.lease_holder, i.lease_acquired_at, i.lease_expires_at, i.ticket, v.at,
            v.history
), event_rows as (
  insert into events (position, namespace, topic_id, item_id, type, actor, at, attempt, lease_expires_at)
  select (select event_position()), namespace, topic_id, id, 'LEASE_EXTENDED', lease_holder, at, attempt, lease_expires_at
    from extended where history
)
select e.n::integer as n,
       case when x.id is not null then 'extended' when v.id is not null then 'limit' else 'refused' end as outcome,
       x.lease_holder as holder, x.lease_acquired_at as acquired_at, x.lease_expires_at as expires_at, x.at as server_time,
       x.ticket, v.lease_acquired_at + make_interval(secs => $5::integer) as latest_end
  from entry e left join extended x on x.id = e.id left join live v on v.n = e.n
