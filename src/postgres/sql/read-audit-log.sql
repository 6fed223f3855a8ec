-- What was done in a namespace, newest first, and how far this look went.
-- $1 namespace  $2 system (null: all)  $3 actor (null: anybody)  $4 type (null: any)
-- $5 position  $6 sequence (before this place; null: from the newest)  $7 how many  $8 how many events to look at at most
-- An event may tell of many items, 1,000 at most, each of which is an entry here: a sequence is 1,024 times that of the
-- event, and the item's place in it.
-- $9 whether to tell of what was done on every shard  $10 whether to leave out the events
with events_looked as materialized (
  select e.position, e.sequence, e.namespace, e.topic_id, e.item_id, e.item_ids, e.tokens, e.type, e.actor, e.at, e.reason
    from events e
   where e.position < (select event_horizon())
     and ($5::bigint is null or (e.position, e.sequence) <= ($5::bigint, $6::bigint / 1024))
   order by e.position desc, e.sequence desc
   limit $8::integer
), acts_looked as materialized (
  select a.position, a.sequence, a.namespace, a.system, a.about, a.about_id, a.type, a.actor, a.at, a.reason, a.everywhere
    from operator_acts a
   where a.position < (select event_horizon())
     and ($5::bigint is null or (a.position, a.sequence) <= ($5::bigint, $6::bigint / 1024))
   order by a.position desc, a.sequence desc
   limit $8::integer
), looked as materialized (
  select position, sequence from events_looked union all select position, sequence from acts_looked
   order by 1 desc, 2 desc
   limit $8::integer
), last as materialized (
  select position, sequence from looked order by position, sequence limit 1
)
select s.looked, s.last_position::float8 as last_position, (s.last_sequence * 1024)::float8 as last_sequence,
       f.position::float8 as position, f.sequence::float8 as sequence, f.system, f.topic, f.about_id, f.type, f.actor, f.at, f.reason
  from (
    select (select count(*)::integer from looked) as looked, (select position from last) as last_position,
           (select sequence from last) as last_sequence
  ) s
  left join lateral (
    select * from (
      -- As many events as a page may need, and then their items.
      select l.position, l.sequence * 1024 + coalesce(i.n, 1) - 1 as sequence, l.system, l.topic,
             coalesce(i.id, l.item_id)::text as about_id, l.type, l.actor, l.at, coalesce(l.tokens[i.n]::text, l.reason) as reason
        from (select l.*, t.system, t.name as topic
                from events_looked l join topics t on t.id = l.topic_id
               where not $10::boolean and l.namespace = $1::text and ($2::text is null or t.system = $2::text)
                 and ($3::text is null or l.actor = $3::text) and ($4::text is null or l.type = $4::text)
                 and (l.position, l.sequence) >= (s.last_position, s.last_sequence)
               order by l.position desc, l.sequence desc
               limit $7::integer + 1) l
        left join lateral unnest(l.item_ids) with ordinality as i (id, n) on true
      union all
      select a.position, a.sequence * 1024, a.system, a.about, a.about_id, a.type, a.actor, a.at, a.reason
        from acts_looked a
       where a.namespace = $1::text and ($2::text is null or a.system = $2::text) and ($9::boolean or not a.everywhere)
         and ($3::text is null or a.actor = $3::text) and ($4::text is null or a.type = $4::text)
         and (a.position, a.sequence) >= (s.last_position, s.last_sequence)
    ) o
     where $5::bigint is null or (o.position, o.sequence) < ($5::bigint, $6::bigint)
     order by o.position desc, o.sequence desc
     limit $7::integer
  ) f on true
 order by f.position desc nulls last, f.sequence desc
