-- Takes a claim back that should not have been made: its holder got another item elsewhere at the same moment. Unlike a
-- release it leaves no mark on who may have the item. $1 item id  $2 lease token  $3 reason
with withdrawn as (
  update items set state = 'ready', attempt = attempt - 1, lease_token = null, lease_holder = null,
                   lease_acquired_at = null, lease_expires_at = null, ticket = null, ticket_sequence = null
   where id = $1::uuid and lease_token = $2::uuid and state = 'leased' and comes_after(xmin)
  returning id, namespace, topic_id, priority, deliver_after, attempt
), before as materialized (
  select lease_holder, ticket from items where id = $1::uuid and lease_token = $2::uuid
), event_rows as (
  insert into events (position, namespace, topic_id, item_id, type, actor, at, attempt, reason)
  select (select event_position()), w.namespace, w.topic_id, w.id, 'RELEASED', b.lease_holder, clock_timestamp(),
         w.attempt + 1, $3::text
    from withdrawn w cross join before b
)
select w.priority, w.deliver_after, b.ticket from withdrawn w cross join before b
