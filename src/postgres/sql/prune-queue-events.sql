-- Removes the history of items that have left the priority queue, a page of old events at a time.
-- $1 position  $2 sequence (after this place)  $3 events of a page  $4 older than so many days
-- One row: how many old events the page had, how many of them went, and the place after which to go on (null without any).
-- Events lie nearly in the order of time, so a page ends before the first young one: all behind it would be read in vain.
with next as materialized (
  select e.position, e.sequence, e.topic_id, e.item_id, e.item_ids,
         bool_and(e.at < statement_timestamp() - make_interval(days => $4::integer)) over (order by e.position, e.sequence) as is_old
    from (select * from events
           where (position, sequence) > ($1::bigint, $2::bigint)
           order by position, sequence
           limit $3::integer) e
), page as materialized (
  select position, sequence, topic_id, item_id, item_ids from next where is_old
), gone as (
  delete from events e
   using page p join topics t on t.id = p.topic_id
   where e.position = p.position and e.sequence = p.sequence and t.system = 'queue'
     and not exists (select from items i where i.id = p.item_id or i.id = any (p.item_ids))
  returning 1
), last as (
  select position, sequence from page order by position desc, sequence desc limit 1
)
select (select count(*)::integer from page) as looked_at, (select count(*)::integer from gone) as removed,
       (select position::float8 from last) as position, (select sequence::float8 from last) as sequence
