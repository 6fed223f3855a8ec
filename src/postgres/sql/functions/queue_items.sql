-- Items of the priority queue as people see them. The system's own topics only; who may see them is the caller's business.
create or replace function queue_items(ids uuid[]) returns table (
  id uuid,
  namespace text,
  topic text,
  state text,
  given_priority integer,
  priority integer,
  payload bytea,
  metadata json,
  deliver_after timestamptz,
  attempt integer,
  max_attempts integer,
  unique_key text,
  enqueued_at timestamptz,
  enqueued_by text,
  expires_at timestamptz,
  lease_holder text,
  lease_expires_at timestamptz,
  blocked_by text,
  last_reason text,
  origin_topic text,
  died_at timestamptz
)
language sql stable
as $$
  select i.id, i.namespace, t.name,
         case when i.state = 'leased' and i.lease_expires_at > clock_timestamp() then 'LEASED'
              when i.origin_topic_id is not null then 'DEAD'
              when i.state = 'delayed' then 'DELAYED' else 'READY' end,
         i.given_priority, i.priority, i.payload, i.metadata, i.deliver_after, i.attempt - i.attempts_forgiven, t.max_attempts,
         i.unique_key, i.enqueued_at, i.enqueued_by, i.expires_at, i.lease_holder, i.lease_expires_at,
         case when i.state = 'leased' and i.lease_expires_at > clock_timestamp() then 'LEASED'
              when i.expires_at <= clock_timestamp() then 'EXPIRED'
              when i.deliver_after > clock_timestamp() then 'DELAYED'
              when t.paused_at is not null and (t.paused_until is null or t.paused_until > clock_timestamp()) then 'PAUSED'
              when t.in_flight_max <= (select count(*) from items l
                                        where l.namespace = t.namespace and l.state = 'leased' and l.topic_id = t.id)
                or n.queue_in_flight_max <= (select count(*) from items l
                                              where l.namespace = t.namespace and l.state = 'leased' and l.enqueued_at is not null)
              then 'IN_FLIGHT_LIMIT' end,
         i.last_reason, o.name, i.died_at
    from items i
    join topics t on t.id = i.topic_id and t.system = 'queue'
    left join namespaces n on n.name = i.namespace
    left join topics o on o.id = i.origin_topic_id
   where i.id = any (ids)
$$;
