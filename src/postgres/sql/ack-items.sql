-- Ends items of the priority queue, each under its fencing token.
-- $1 item ids uuid[]  $2 lease tokens uuid[]  $3 namespaces text[]  $4 who text[]
-- A row for each entry under which an item ended; nothing of the others changed. The rows are locked by primary key first
-- and judged after the wait, by the database's clock.
with entry as materialized (
  select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) with ordinality as e (id, token, namespace, actor, n)
), locked as materialized (
  select i.id, i.xmin as writer, i.namespace, i.topic_id, i.state, i.attempt, i.lease_token, i.lease_expires_at, i.ticket, t.history
    from items i join topics t on t.id = i.topic_id
   where i.id = any ($1::uuid[]) and t.system = 'queue'
   order by i.id
     for update of i
), live as materialized (
  select e.n, e.actor, l.*, clock_timestamp() as at
    from entry e join locked l on l.id = e.id and l.lease_token = e.token and l.namespace = e.namespace
   where l.state = 'leased' and l.lease_expires_at > clock_timestamp() and comes_after(l.writer)
), ended as (
  -- By id: a row that was changed while this waited for it is another version, which this statement does not see.
  delete from items i using live v where i.id = v.id
), event_rows as (
  -- One row for a thousand items of a topic at most. The tokens are dead now: kept so that the same ack, sent again, can
  -- be told from a stranger's.
  insert into events (position, namespace, topic_id, type, actor, at, item_id, attempt, reason, item_ids, attempts, tokens)
  select (select event_position()), namespace, topic_id, 'ACKED', actor, at,
         case when items = 1 then ids[1] end, case when items = 1 then attempts[1] end, case when items = 1 then tokens[1]::text end,
         case when items > 1 then ids end, case when items > 1 then attempts end, case when items > 1 then tokens end
    from (select namespace, topic_id, actor, max(at) as at, count(*) as items, array_agg(id) as ids, array_agg(attempt) as attempts,
                 array_agg(lease_token) as tokens
            from (select distinct on (id) * from live where history) v
           group by namespace, topic_id, actor, n / 1000) acked
)
select v.n::integer as n, v.ticket, v.topic_id from live v
