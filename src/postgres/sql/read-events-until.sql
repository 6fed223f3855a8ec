-- Events of one namespace after a place and up to another, in order, for replays.
-- $1 position  $2 sequence  $3 last position  $4 last sequence  $5 namespace  $6 system  $7 topic (null: all)
-- $8 item id (null: all)  $9 at most so many
select e.position::float8 as position, e.sequence::float8 as sequence, t.system, e.namespace, t.name as topic, e.item_id,
       e.type, e.actor, e.at, e.attempt
  from events e join topics t on t.id = e.topic_id
 where (e.position, e.sequence) > ($1::bigint, $2::bigint) and (e.position, e.sequence) <= ($3::bigint, $4::bigint)
   and e.namespace = $5::text and t.system = $6::text
   and ($7::text is null or t.name = $7::text) and ($8::uuid is null or e.item_id = $8::uuid)
 order by e.position, e.sequence
 limit $9::integer
