-- Puts dead letters back into the topic from which they come, with their settings as they were and all attempts before them.
-- $1 that topic's id  $2 at most so many  $3 items a second (null: all at once)  $4 how many went before in this call
-- $5 item ids uuid[] (or null)  $6 a part of the reason (or null)  $7 metadata that they contain (JSON, or null)
-- $8 died before (or null)  $9 who  $10 whether only to count  $11 why (or null)
-- One row an item that went back. Not one whose unique key an open item of the topic has.
with dead as materialized (
  select i.id, i.xmin as writer, i.namespace, i.unique_key, i.attempt, i.topic_id as dead_topic_id
    from items i
   where i.origin_topic_id = $1::integer and i.state in ('ready', 'delayed')
     and ($5::uuid[] is null or i.id = any ($5::uuid[]))
     and ($6::text is null or position(lower($6::text) in lower(i.last_reason)) > 0)
     -- What jsonb cannot hold, U+0000 and halves of surrogate pairs, would fail the search.
     and ($7::jsonb is null
          or case when i.metadata::text !~ '(?<!\\)(\\\\)*\\u(0000|[dD][89abcdefABCDEF])' then i.metadata::jsonb @> $7::jsonb end)
     and ($8::timestamptz is null or i.died_at < $8::timestamptz)
     and not exists (select from items o where o.topic_id = $1::integer and o.unique_key = i.unique_key and o.origin_topic_id is null)
   order by i.id
   limit $2::integer
     for update skip locked
), first as materialized (
  select d.*, row_number() over (order by id) - 1 as place, clock_timestamp() as at
    from (select *, row_number() over (partition by coalesce(unique_key, id::text) order by id) as nth from dead) d
   where nth = 1 and comes_after(writer)
), changed as (
  update items i
     set topic_id = $1::integer, origin_topic_id = null, died_at = null, attempts_forgiven = i.attempt,
         deliver_after = f.at + make_interval(secs => coalesce((($4::integer + f.place) / $3::float8)::float8, 0)),
         state = case when coalesce(($4::integer + f.place) / $3::float8, 0) > 0 then 'delayed' else 'ready' end,
         expires_at = f.at + make_interval(secs => coalesce((($4::integer + f.place) / $3::float8)::float8, 0))
                      + make_interval(secs => i.ttl_seconds)
    from first f
   where i.id = f.id and not $10::boolean
  returning i.id, i.state, i.priority, i.deliver_after, f.place
), event_rows as (
  insert into events (position, namespace, topic_id, item_id, type, actor, at, attempt, reason)
  select (select event_position()), f.namespace, $1::integer, f.id, 'REDRIVEN', $9::text, f.at, f.attempt, $11::text
    from first f where not $10::boolean
)
select f.id, c.state, c.priority, c.deliver_after from first f left join changed c on c.id = f.id order by f.place
