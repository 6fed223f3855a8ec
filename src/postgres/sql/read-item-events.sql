-- The life of one item, in order. $1 item id  $2 position  $3 sequence (after this place)  $4 at most so many
select e.position::float8 as position, e.sequence::float8 as sequence, e.type, e.actor, e.at, e.attempt,
       e.lease_expires_at, e.reason
  from (select position, sequence, type, actor, at, attempt, lease_expires_at, reason
          from events where item_id = $1::uuid
        union all
        select position, sequence, type, actor, at, attempts[array_position(item_ids, $1::uuid)],
               lease_ends[array_position(item_ids, $1::uuid)], tokens[array_position(item_ids, $1::uuid)]::text
          from events where item_ids @> array[$1::uuid]) e
 where (e.position, e.sequence) > ($2::bigint, $3::bigint)
 order by e.position, e.sequence
 limit $4::integer
