-- The open items that have unique keys. $1 topic ids int[]  $2 keys text[]  One row a pair that is found.
select w.n::integer as n, i.id
  from unnest($1::integer[], $2::text[]) with ordinality as w (topic_id, unique_key, n)
  join items i on i.topic_id = w.topic_id and i.unique_key = w.unique_key and i.origin_topic_id is null
