-- The case topics of a namespace, with what waits and what is held. $1 namespace  $2 how many to count at most
-- A lease that has ended counts as waiting. Ids rise with time, so the smallest one is the oldest case.
select t.name, coalesce(t.paused_at is not null and (t.paused_until is null or t.paused_until > clock_timestamp()), false) as paused,
       w.waiting, h.held, c.registered_at as oldest_waiting_since
  from topics t
  cross join lateral (
    select count(*)::integer as waiting, min(r.id::text)::uuid as oldest
      from (
        (select i.id from items i where i.topic_id = t.id and i.state = 'ready' limit $2::integer)
        union all
        (select i.id from items i
          where i.topic_id = t.id and i.state = 'leased' and i.lease_expires_at <= clock_timestamp() limit $2::integer)
      ) r
  ) w
  cross join lateral (
    select count(*)::integer as held
      from (
        select 1 from items i
         where i.topic_id = t.id and i.state = 'leased' and i.lease_expires_at > clock_timestamp() limit $2::integer
      ) l
  ) h
  left join cases c on c.id = w.oldest
 where t.namespace = $1::text and t.system = 'cases'
 order by t.name
 limit 1000
