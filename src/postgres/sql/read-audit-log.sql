-- What was done in a namespace, newest first, and how far this look went.
-- $1 namespace  $2 system (null: all)  $3 actor (null: anybody)  $4 type (null: any)
-- $5 position  $6 sequence (before this place; null: from the newest)  $7 how many  $8 how many events to look at at most
with looked as materialized (
  select e.position, e.sequence, e.namespace, e.topic_id, e.item_id, e.type, e.actor, e.at, e.reason
    from events e
   where e.position < event_horizon()
     and ($5::bigint is null or (e.position, e.sequence) < ($5::bigint, $6::bigint))
   order by e.position desc, e.sequence desc
   limit $8::integer
)
select s.looked, s.last_position::float8 as last_position, s.last_sequence::float8 as last_sequence,
       f.position::float8 as position, f.sequence::float8 as sequence, f.system, f.topic, f.item_id, f.type, f.actor, f.at, f.reason
  from (
    select count(*)::integer as looked,
           (select l.position from looked l order by l.position, l.sequence limit 1) as last_position,
           (select l.sequence from looked l order by l.position, l.sequence limit 1) as last_sequence
      from looked
  ) s
  left join lateral (
    select l.*, t.system, t.name as topic
      from looked l join topics t on t.id = l.topic_id
     where l.namespace = $1::text
       and ($2::text is null or t.system = $2::text)
       and ($3::text is null or l.actor = $3::text)
       and ($4::text is null or l.type = $4::text)
     order by l.position desc, l.sequence desc
     limit $7::integer
  ) f on true
 order by f.position desc nulls last, f.sequence desc
