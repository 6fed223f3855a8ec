-- Returns items whose lease has run out, at most row_limit of them, and records it. Null topics: every topic.
-- Items that others are just claiming, deciding or returning are left to them.
-- Outcome 'ready'; or, in the priority queue, 'dead' (its attempts are used up: it went to the returned topic) or 'gone'
-- (its time to live had ended before its lease). topic_before is where it was.
drop function if exists return_expired_items(integer[], integer);
create function return_expired_items(topics_wanted integer[], row_limit integer) returns table (
  item_id uuid,
  topic_id integer,
  priority integer,
  deliver_after timestamptz,
  holder text,
  ticket text,
  outcome text,
  topic_before integer
)
language plpgsql volatile
as $$
begin
  return query
    with locked as materialized (
      select i.id, i.xmin as writer, i.namespace, i.topic_id, i.attempt, i.lease_holder, i.ticket, i.lease_expires_at,
             i.priority, i.deliver_after, t.excludes_earlier_holders,
             case when i.enqueued_at is null then 'ready'
                  when i.expires_at <= clock_timestamp() then 'gone'
                  when t.max_attempts > 0 and i.attempt - i.attempts_forgiven >= t.max_attempts and i.origin_topic_id is null
                  then 'dead' else 'ready' end as fate
        from items i join topics t on t.id = i.topic_id
       where i.state = 'leased' and i.lease_expires_at <= clock_timestamp()
         and (topics_wanted is null or i.topic_id = any (topics_wanted))
       order by i.lease_expires_at
       limit row_limit
         for update of i skip locked
    ), expired as materialized (
      select * from locked l where comes_after(l.writer)
    ), gone as (
      delete from items u using expired e where u.id = e.id and e.fate = 'gone'
    ), returned as (
      update items u
         set state = case when e.fate = 'ready' and u.deliver_after > clock_timestamp() then 'delayed' else 'ready' end,
             lease_token = null, lease_holder = null, lease_acquired_at = null,
             lease_expires_at = null, ticket = null, ticket_sequence = null,
             excluded = case when e.excludes_earlier_holders and not e.lease_holder = any (u.excluded)
                             then u.excluded || e.lease_holder else u.excluded end,
             topic_id = case e.fate when 'dead' then dead_topic_of(e.topic_id) else u.topic_id end,
             origin_topic_id = case e.fate when 'dead' then e.topic_id else u.origin_topic_id end,
             died_at = case e.fate when 'dead' then clock_timestamp() else u.died_at end,
             deliver_after = case e.fate when 'dead' then clock_timestamp() else u.deliver_after end,
             attempts_forgiven = case e.fate when 'dead' then u.attempt else u.attempts_forgiven end,
             expires_at = case e.fate when 'dead' then null else u.expires_at end,
             last_reason = case e.fate when 'dead' then 'The lease of the last attempt ended' else u.last_reason end
        from expired e
       where u.id = e.id and e.fate <> 'gone'
      returning u.id, u.topic_id, u.priority, u.deliver_after
    ), recorded as (
      insert into events (position, namespace, topic_id, item_id, type, actor, at, attempt, lease_expires_at, reason)
      select (select event_position()), x.namespace, x.topic_id, x.id, x.type, x.actor, clock_timestamp(), x.attempt,
             x.lease_expires_at, x.reason
        from (select e.namespace, e.topic_id, e.id, 'LEASE_EXPIRED' as type, e.lease_holder as actor, e.attempt,
                     e.lease_expires_at, null as reason, 1 as place
                from expired e
              union all
              select e.namespace, e.topic_id, e.id, case e.fate when 'dead' then 'DEAD_LETTERED' else 'EXPIRED' end, 'engine',
                     e.attempt, null, case e.fate when 'dead' then 'The lease of the last attempt ended' end, 2
                from expired e where e.fate <> 'ready') x
       order by x.place
    )
    select e.id, coalesce(r.topic_id, e.topic_id), coalesce(r.priority, e.priority),
           coalesce(r.deliver_after, e.deliver_after), e.lease_holder, e.ticket, e.fate, e.topic_id
      from expired e left join returned r on r.id = e.id;
end
$$;
