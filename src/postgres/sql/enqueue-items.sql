-- Enqueues the items of several calls in one statement.
-- calls: $1 answer ids uuid[]  $2 namespaces text[]  $3 enqueuers text[]  $4 idempotency keys text[] (or null)
-- $5 request hashes text[]  $6 answers text[] (JSON, kept under the key)
-- items of all calls: $7 call numbers int[] (from 1)  $8 places int[] (from 1)  $9 ids uuid[]  $10 topic ids int[]
-- $11 priorities int[]  $12 all payloads, one after the other bytea  $13 where each begins int[] (from 1)
-- $14 how long each is int[]  $15 metadata text[] (JSON or null)  $16 deliver after timestamptz[] (null: at once)
-- $17 lease seconds int[] (or null)  $18 ttl seconds int[] (or null)  $19 unique keys text[] (or null)
-- Rows: 'call' (one a call: outcome 'done', or 'key' when its key was used before and nothing was enqueued),
-- 'duplicate' (an item whose unique key an open item of the topic has) and 'head' (the best ready one of each topic).
with moment as materialized (
  select clock_timestamp() as at
), call as materialized (
  select c.*, m.at
    from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
         with ordinality as c (id, namespace, enqueuer, idempotency_key, request_hash, answers, n)
   cross join moment m
), keyed as (
  insert into idempotency_keys (namespace, actor, operation, key, request_hash, result_id)
  select namespace, enqueuer, 'enqueue', idempotency_key, request_hash, id from call where idempotency_key is not null
  on conflict do nothing
  returning result_id
), accepted as materialized (
  select * from call where idempotency_key is null or id in (select result_id from keyed)
), item as materialized (
  select i.*, a.namespace, a.enqueuer, a.at, a.id as answer_id, t.history, greatest(i.deliver_after, a.at) as due,
         aged_priority(i.given, t.ageing_seconds, t.created_at, a.at) as priority,
         coalesce(i.ttl, t.ttl_seconds) as ttl_seconds
    from unnest($7::integer[], $8::integer[], $9::uuid[], $10::integer[], $11::integer[], $13::integer[], $14::integer[],
                $15::text[], $16::timestamptz[], $17::integer[], $18::integer[], $19::text[])
         as i (call, place, id, topic_id, given, payload_start, payload_length, metadata, deliver_after, lease_seconds, ttl,
               unique_key)
    join accepted a on a.n = i.call
    join topics t on t.id = i.topic_id
), plain_rows as (
  insert into items (id, namespace, topic_id, priority, deliver_after, state, payload, metadata, given_priority,
                     lease_seconds, ttl_seconds, expires_at, enqueued_at, enqueued_by)
  select id, namespace, topic_id, priority, due, case when due > at then 'delayed' else 'ready' end,
         substring($12::bytea from payload_start for payload_length), metadata::json, given, lease_seconds, ttl_seconds,
         greatest(due, at) + make_interval(secs => ttl_seconds), at, enqueuer
    from item where unique_key is null
), unique_rows as (
  insert into items (id, namespace, topic_id, priority, deliver_after, state, payload, metadata, given_priority,
                     lease_seconds, ttl_seconds, expires_at, enqueued_at, enqueued_by, unique_key)
  select id, namespace, topic_id, priority, due, case when due > at then 'delayed' else 'ready' end,
         substring($12::bytea from payload_start for payload_length), metadata::json, given, lease_seconds, ttl_seconds,
         greatest(due, at) + make_interval(secs => ttl_seconds), at, enqueuer, unique_key
    from item where unique_key is not null
   order by topic_id, unique_key, call, place
  on conflict (topic_id, unique_key) where unique_key is not null and origin_topic_id is null do nothing
  returning id
), duplicate as materialized (
  select call, place, answer_id from item where unique_key is not null and id not in (select id from unique_rows)
), answer_rows as (
  insert into enqueue_answers (id, answers, duplicates)
  select a.id, a.answers::json, array(select d.place from duplicate d where d.answer_id = a.id)
    from accepted a where a.idempotency_key is not null
), event_rows as (
  -- One row for a thousand items of a topic at most.
  insert into events (position, namespace, topic_id, type, actor, at, item_id, item_ids)
  select (select event_position()), namespace, topic_id, 'ENQUEUED', enqueuer, at,
         case when items = 1 then ids[1] end, case when items > 1 then ids end
    from (select i.namespace, i.topic_id, i.enqueuer, i.at, count(*) as items, array_agg(i.id) as ids
            from (select *, row_number() over () as n from item) i
           where i.history and not exists (select from duplicate d where d.call = i.call and d.place = i.place)
           group by i.namespace, i.topic_id, i.enqueuer, i.at, i.n / 1000) enqueued
), head as (
  select distinct on (topic_id) topic_id, priority, due, id
    from item i
   where i.due <= i.at and not exists (select from duplicate d where d.call = i.call and d.place = i.place)
   order by topic_id, priority, due, id
)
select 'call' as kind, c.n::integer as n, null::integer as place, case when a.id is null then 'key' else 'done' end as outcome,
       c.at, null::integer as topic_id, null::integer as priority, null::timestamptz as deliver_after, null::uuid as id
  from call c left join accepted a on a.n = c.n
union all
select 'duplicate', call, place, null, null, null, null, null, null from duplicate
union all
select 'head', null, null, null, null, topic_id, priority, due, id from head
