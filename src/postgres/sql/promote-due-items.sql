-- Makes items ready whose time has come. $1 at most so many
-- One row an item; and, as a last row without an id, when the next one is due.
with due as materialized (
  select id from items
   where state = 'delayed' and deliver_after <= clock_timestamp()
   order by deliver_after
   limit $1::integer
     for update skip locked
), promoted as (
  update items i set state = 'ready' from due where i.id = due.id
  returning i.id, i.topic_id, i.priority, i.deliver_after
)
select id as item_id, topic_id, priority, deliver_after, null::float8 as next_milliseconds from promoted
union all
select null, null, null, null,
       (select extract(epoch from deliver_after - clock_timestamp())::float8 * 1000 from items
         where state = 'delayed' and deliver_after > clock_timestamp() and deliver_after < 'infinity' order by deliver_after limit 1)
