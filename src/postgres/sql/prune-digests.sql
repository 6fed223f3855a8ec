-- Removes digests that ended long ago and hold no request any more, with their mails and events. $1 ids below this uuid
-- $2 days  $3 how many. One that took another in stays until that one is gone.
with old as materialized (
  select d.id from digests d
   where d.id < $1::uuid and d.state in ('SENT', 'FAILED', 'SKIPPED')
     and coalesce(d.sent_at, d.sealed_at, d.window_end) < clock_timestamp() - make_interval(days => $2::integer)
     and not exists (select from digest_items i where i.digest_id = d.id)
     and not exists (select from digests x where x.merged_into = d.id)
   order by d.id limit $3::integer
     for update of d skip locked
), gone_mails as (
  delete from mails m using old o where m.about_id = o.id
), gone_parts as (
  delete from digest_mails p using old o where p.digest_id = o.id
), gone_events as (
  delete from events e using old o where e.item_id = o.id
), gone as (
  delete from digests d using old o where d.id = o.id
)
select id from old
