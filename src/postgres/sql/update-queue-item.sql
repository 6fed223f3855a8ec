-- Changes an item that nobody holds; one whose lease has ended stays for the sweeper to return.
-- $1 item id  $2 namespace  $3 priority  $4 deliver after  $5 metadata (JSON)  $6 who
-- (null of $3 to $5: as it is). A time that is over counts as now. No row: there is no such open item. Outcome 'updated' or 'leased'.
with locked as materialized (
  select i.id, i.namespace, i.topic_id, i.state, i.state = 'leased' and i.lease_expires_at > clock_timestamp() as is_held,
         i.given_priority, i.priority, i.deliver_after, i.attempt, i.enqueued_at,
         t.ageing_seconds, t.created_at, clock_timestamp() as at
    from items i join topics t on t.id = i.topic_id
   where i.id = $1::uuid and i.namespace = $2::text and t.system = 'queue'
     for update of i
), changed as (
  update items i
     set given_priority = coalesce($3::integer, i.given_priority),
         priority = case when $3::integer is null then i.priority
                         else aged_priority($3::integer, l.ageing_seconds, l.created_at, i.enqueued_at) end,
         deliver_after = case when $4::timestamptz is null then i.deliver_after else greatest($4::timestamptz, l.at) end,
         expires_at = case when $4::timestamptz is null or i.origin_topic_id is not null then i.expires_at
                           else greatest($4::timestamptz, l.at) + make_interval(secs => i.ttl_seconds) end,
         state = case when $4::timestamptz is null or i.state = 'leased' then i.state when $4::timestamptz > l.at then 'delayed' else 'ready' end,
         metadata = coalesce($5::json, i.metadata)
    from locked l
   where i.id = l.id and not l.is_held
  returning i.id, i.topic_id, i.state, i.priority, i.given_priority, i.deliver_after
), event_rows as (
  insert into events (position, namespace, topic_id, item_id, type, actor, at, attempt, reason)
  select (select event_position()), l.namespace, l.topic_id, l.id, 'UPDATED', $6::text, l.at, l.attempt,
         concat_ws(', ',
                   case when $3::integer is not null then format('priority %s, was %s', c.given_priority, l.given_priority) end,
                   case when $4::timestamptz is not null then format('deliver after %s, was %s', c.deliver_after, l.deliver_after) end,
                   case when $5::json is not null then 'metadata' end)
    from locked l join changed c on c.id = l.id
)
select case when c.id is null then 'leased' else 'updated' end as outcome, l.topic_id, c.state,
       c.priority, c.deliver_after
  from locked l left join changed c on c.id = l.id
