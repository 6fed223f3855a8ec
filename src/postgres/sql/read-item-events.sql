-- The life of one item, in order. $1 item id  $2 position  $3 sequence (after this place)  $4 at most so many
select e.position::float8 as position, e.sequence::float8 as sequence, e.type, e.actor, e.at, e.attempt,
       e.lease_expires_at, e.reason
  from events e
 where e.item_id = $1::uuid and (e.position, e.sequence) > ($2::bigint, $3::bigint)
 order by e.position, e.sequence
 limit $4::integer
