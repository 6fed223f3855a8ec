-- Removes requests that ended long ago, with their places in digests and their events. $1 ids below this uuid  $2 days
-- $3 how many. Ids rise with time, so the primary key leads to the oldest. One that a mail has yet to tell of stays.
with old as materialized (
  select r.id from requests r
   where r.id < $1::uuid
     and greatest(r.customer_notified_at, r.closed_at, r.cancelled_at) < clock_timestamp() - make_interval(days => $2::integer)
     and not exists (select from digest_items i join digests d on d.id = i.digest_id
                      where i.request_id = r.id and d.state in ('OPEN', 'SEALED', 'SENDING'))
   order by r.id limit $3::integer
     for update of r skip locked
), gone_items as (
  delete from digest_items i using old o where i.request_id = o.id
), gone_events as (
  delete from events e using old o where e.item_id = o.id
), gone as (
  delete from requests r using old o where r.id = o.id
)
select id from old
