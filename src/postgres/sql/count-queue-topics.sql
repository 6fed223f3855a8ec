-- How the items of topics stand. $1 topic ids int[]  One row a topic, in their order.
select r.ready, r.oldest_ready_seconds,
       (select count(*)::float8 from items i where i.topic_id = w.topic_id and i.state = 'delayed') as delayed,
       (select count(*)::float8 from items i where i.topic_id = w.topic_id and i.state = 'leased') as leased,
       (select count(*)::float8 from items i where i.origin_topic_id = w.topic_id) as dead
  from unnest($1::integer[]) with ordinality as w (topic_id, n)
 cross join lateral (
   select count(*)::float8 as ready, extract(epoch from clock_timestamp() - min(i.deliver_after))::float8 as oldest_ready_seconds
     from items i where i.topic_id = w.topic_id and i.state = 'ready'
 ) r
 order by w.n
