-- Removes the history of items that have left the priority queue, a page of old events at a time.
-- $1 position  $2 sequence (after this place)  $3 events of a page  $4 older than so many days
-- One row: how many old events the page had, how many of them went, and the place after which to go on (null without any).
with page as materialized (
  select e.position, e.sequence, e.topic_id, e.item_id
    from events e
   where (e.position, e.sequence) > ($1::bigint, $2::bigint) and e.at < clock_timestamp() - make_interval(days => $4::integer)
   order by e.position, e.sequence
   limit $3::integer
), gone as (
  delete from events e
   using page p join topics t on t.id = p.topic_id
   where e.position = p.position and e.sequence = p.sequence and t.system = 'queue'
     and not exists (select from items i where i.id = p.item_id)
  returning 1
), last as (
  select position, sequence from page order by position desc, sequence desc limit 1
)
select (select count(*)::integer from page) as looked_at, (select count(*)::integer from gone) as removed,
       (select position::float8 from last) as position, (select sequence::float8 from last) as sequence
