-- Those of a digest's requests whose follow-up is due, oldest first, with those who need to be told. $1 digest id  $2 namespace  $3 at most so many
select r.id, clock_timestamp() as at,
       case when r.follow_ups = 0 or r.follow_ups >= greatest(p.follow_up_reminders, 1) then r.customer_id end as customer_id,
       case when r.follow_ups < p.follow_up_reminders and r.notified_at is not null then r.provider_id end as provider_id
  from digests d
  join digest_items i on i.digest_id = d.id and i.kind = 'REQUEST'
  join requests r on r.id = i.request_id
  join recipients p on p.id = r.provider_id
 where d.id = $1::uuid and d.namespace = $2::text and r.follow_up_at <= clock_timestamp()
 order by r.follow_up_at
 limit $3::integer
