-- Complete events after a place, in order; one that tells of several items has them in item_ids. $1 position  $2 sequence  $3 at most so many
select e.position::float8 as position, e.sequence::float8 as sequence, t.system, e.namespace, t.name as topic, e.item_id,
       e.type, e.actor, e.at, e.attempt, e.item_ids, e.attempts
  from events e join topics t on t.id = e.topic_id
 where (e.position, e.sequence) > ($1::bigint, $2::bigint) and e.position < (select event_horizon())
 order by e.position, e.sequence
 limit $3::integer
