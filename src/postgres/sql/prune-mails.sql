-- Removes mails that were settled long ago, at most $3 at a time. $1 ids below this uuid  $2 days
-- Ids rise with time, so the primary key leads to the oldest.
delete from mails m
 using (select id from mails
         where id < $1::uuid and status in ('SENT', 'FAILED')
           and prepared_at < clock_timestamp() - make_interval(days => $2::integer)
         order by id limit $3::integer for update skip locked) as old
 where m.id = old.id
returning 1 as one
