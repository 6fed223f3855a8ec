-- Gives items back before their lease ends, each under its fencing token.
-- $1 item ids uuid[]  $2 lease tokens uuid[]  $3 holders text[]  $4 namespaces text[]  $5 reasons text[] (or null)
-- Outcome 'released' or 'refused'. No item may stand twice in one batch.
with entry as materialized (
  select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[])
    with ordinality as e (id, token, holder, namespace, reason, n)
), locked as materialized (
  select i.id, i.namespace, i.topic_id, i.state, i.lease_token, i.lease_holder, i.lease_expires_at, i.ticket,
         i.xmin as writer, t.excludes_earlier_holders
    from items i join topics t on t.id = i.topic_id
   where i.id = any ($1::uuid[])
   order by i.id
     for update of i
), live as materialized (
  select e.*, l.ticket, l.excludes_earlier_holders, clock_timestamp() as at
    from entry e join locked l on l.id = e.id
   where l.state = 'leased' and l.lease_token = e.token and l.lease_holder = e.holder and l.namespace = e.namespace
     and l.lease_expires_at > clock_timestamp() and comes_after(l.writer)
), released as (
  update items i
     set state = 'ready', lease_token = null, lease_holder = null, lease_acquired_at = null, lease_expires_at = null,
         ticket = null, ticket_sequence = null,
         excluded = case when v.excludes_earlier_holders and not v.holder = any (i.excluded)
                         then i.excluded || v.holder else i.excluded end
    from live v where i.id = v.id
  returning i.id, i.namespace, i.topic_id, i.priority, i.deliver_after, i.attempt, v.holder, v.reason, v.at, v.ticket
), event_rows as (
  insert into events (position, namespace, topic_id, item_id, type, actor, at, attempt, reason)
  select (select event_position()), namespace, topic_id, id, 'RELEASED', holder, at, attempt, reason from released
)
select e.n::integer as n, case when r.id is null then 'refused' else 'released' end as outcome,
       r.topic_id, r.priority, r.deliver_after, r.ticket
  from entry e left join released r on r.id = e.id
