-- $1 older than so many seconds  $2 at most so many
delete from enqueue_answers
 where id in (select id from enqueue_answers where created_at < clock_timestamp() - make_interval(secs => $1::integer)
               order by created_at limit $2::integer)
returning id
