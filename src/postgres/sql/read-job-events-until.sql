-- Events of the tasks of one namespace after a place and up to another, in order, for replays.
-- $1 position  $2 sequence  $3 last position  $4 last sequence  $5 namespace  $6 job id (null: all)  $7 at most so many
select e.position::float8 as position, e.sequence::float8 as sequence, t.system, e.namespace, t.name as topic, e.item_id,
       e.type, e.actor, e.at, e.attempt
  from events e join topics t on t.id = e.topic_id
 where (e.position, e.sequence) > ($1::bigint, $2::bigint) and (e.position, e.sequence) <= ($3::bigint, $4::bigint)
   and e.namespace = $5::text and t.system = 'tasks'
   and ($6::uuid is null or e.item_id in (select k.id from tasks k where k.job_id = $6::uuid))
 order by e.position, e.sequence
 limit $7::integer
