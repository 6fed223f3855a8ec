-- The keys of the best ready items of a topic of the priority queue, in order. $1 topic id  $2 at most so many
select priority, deliver_after, id from items
 where topic_id = $1::integer and state = 'ready' and (expires_at is null or expires_at > clock_timestamp())
 order by priority, deliver_after, id
 limit $2::integer
