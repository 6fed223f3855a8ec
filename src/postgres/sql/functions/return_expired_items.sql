-- Returns items whose lease has run out, at most row_limit of them, and records it. Null topics: every topic.
-- Items that others are just claiming, deciding or returning are left to them.
create or replace function return_expired_items(topics_wanted integer[], row_limit integer) returns table (
  item_id uuid,
  topic_id integer,
  priority integer,
  deliver_after timestamptz,
  holder text,
  ticket text
)
language plpgsql volatile
as $$
begin
  return query
    with expired as materialized (
      select i.id, i.lease_holder, i.ticket, i.lease_expires_at, t.excludes_earlier_holders
        from items i join topics t on t.id = i.topic_id
       where i.state = 'leased' and i.lease_expires_at <= clock_timestamp()
         and (topics_wanted is null or i.topic_id = any (topics_wanted))
       order by i.lease_expires_at
       limit row_limit
         for update of i skip locked
    ), returned as (
      update items u
         set state = 'ready', lease_token = null, lease_holder = null, lease_acquired_at = null,
             lease_expires_at = null, ticket = null, ticket_sequence = null,
             excluded = case when e.excludes_earlier_holders and not e.lease_holder = any (u.excluded)
                             then u.excluded || e.lease_holder else u.excluded end
        from expired e
       where u.id = e.id
      returning u.id, u.namespace, u.topic_id, u.priority, u.deliver_after, u.attempt,
                e.lease_holder, e.lease_expires_at, e.ticket
    ), recorded as (
      insert into events (position, namespace, topic_id, item_id, type, actor, at, attempt, lease_expires_at)
      select (select event_position()), r.namespace, r.topic_id, r.id, 'LEASE_EXPIRED', r.lease_holder, clock_timestamp(),
             r.attempt, r.lease_expires_at
        from returned r
    )
    select r.id, r.topic_id, r.priority, r.deliver_after, r.lease_holder, r.ticket from returned r;
end
$$;
