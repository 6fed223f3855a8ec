-- The best ready items of a topic, to name on tickets. $1 topic id  $2 at most so many
select id, priority from items where topic_id = $1::integer and state = 'ready'
 order by priority, deliver_after, id limit $2::integer
