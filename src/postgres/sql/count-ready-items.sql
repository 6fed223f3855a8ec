-- How many items of each topic lie ready, counted up to $2. $1 topic ids int[]  One row a topic, in their order.
select (select count(*)::integer
          from (select from items i
                 where i.topic_id = w.topic_id and i.state = 'ready' and (i.expires_at is null or i.expires_at > clock_timestamp())
                 limit $2::integer) counted) as ready
  from unnest($1::integer[]) with ordinality as w (topic_id, n)
 order by w.n
