-- Decides what becomes of tickets for which a claimer found no item. $1 topic id  $2 stream sequences bigint[]
-- $3 reply subjects text[]  One row a ticket: 'ready' (items wait that the claimer may not take: give the ticket back),
-- 'leased' (it stands for a living lease: give it back for the milliseconds left) or 'surplus' (nothing stands behind
-- it: ack it away). A lease without a ticket takes a surplus one over.
with asked as materialized (
  select * from unnest($2::bigint[], $3::text[]) with ordinality as a (sequence, ticket, n)
), leases as materialized (
  select id, lease_expires_at, ticket_sequence, row_number() over (partition by ticket_sequence order by lease_expires_at) as nth
    from items where topic_id = $1::integer and state = 'leased'
     and (ticket_sequence is null or ticket_sequence = any ($2::bigint[]))
   limit 10000
), own as materialized (
  select a.n, a.sequence, a.ticket, l.id, l.lease_expires_at
    from asked a join leases l on l.ticket_sequence = a.sequence and l.nth = 1
), orphans as materialized (
  select o.sequence, o.ticket, o.n, row_number() over (order by o.n) as place
    from asked o where not exists (select from own where own.n = o.n)
), adopted as materialized (
  select o.n, o.sequence, o.ticket, l.id, l.lease_expires_at
    from orphans o join leases l on l.ticket_sequence is null and l.nth = o.place
), matched as materialized (
  select * from own union all select * from adopted
), locked as materialized (
  -- Never waits: others lock several rows in the order of their ids, and these come in no order. Whoever holds one of
  -- these rows is about to end or extend its lease.
  select i.id, m.ticket, m.sequence
    from items i join matched m on m.id = i.id
   where i.state = 'leased' and i.lease_expires_at = m.lease_expires_at
     for update of i skip locked
), noted as (
  update items i set ticket = k.ticket, ticket_sequence = k.sequence from locked k where i.id = k.id
  returning i.id
)
select a.sequence, a.ticket,
       case when m.id is not null then 'leased'
            when exists (select from items where topic_id = $1::integer and state = 'ready') then 'ready'
            else 'surplus' end as outcome,
       case when n.id is null then 100 -- looked at again when that is over
            else greatest(0, ceil(extract(epoch from m.lease_expires_at - clock_timestamp()) * 1000))::integer end as left_milliseconds
  from asked a left join matched m on m.n = a.n left join noted n on n.id = m.id
