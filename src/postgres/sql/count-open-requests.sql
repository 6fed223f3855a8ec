-- How many requests of each recipient have no answer yet, and when its next digest is due. $1 recipient ids uuid[]
select x.id,
       (select count(*)::integer from requests r
         where r.provider_id = x.id and r.answered_at is null and r.closed_at is null and r.cancelled_at is null)
         as open_requests,
       (select min(d.window_end) from digests d where d.recipient_id = x.id and d.state = 'OPEN') as next_digest_at
  from unnest($1::uuid[]) as x (id)
