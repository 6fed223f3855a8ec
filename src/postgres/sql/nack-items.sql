-- Gives items of the priority queue back, each under its fencing token.
-- $1 item ids uuid[]  $2 lease tokens uuid[]  $3 namespaces text[]  $4 who text[]
-- $5 delays in seconds int[] (null: as the topic's backoff says, at once without one)
-- $6 new metadata text[] (JSON; null: as it is)  $7 reasons text[] (or null)
-- Outcome 'returned', 'dead' (its attempts are used up: it went to the dead-letter topic) or 'refused', and nothing of it
-- changed. An item that stands twice in one batch is given back once.
with entry as materialized (
  select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::integer[], $6::text[], $7::text[])
    with ordinality as e (id, token, namespace, actor, delay, metadata, reason, n)
), locked as materialized (
  select i.id, i.xmin as writer, i.namespace, i.topic_id, i.state, i.attempt, i.attempts_forgiven, i.lease_token, i.lease_expires_at, i.ticket,
         i.deliver_after, i.origin_topic_id, t.max_attempts, t.backoff_first_seconds, t.backoff_factor, t.backoff_cap_seconds
    from items i join topics t on t.id = i.topic_id
   where i.id = any ($1::uuid[]) and t.system = 'queue'
   order by i.id
     for update of i
), live as materialized (
  select distinct on (l.id) l.*, e.n, e.actor, e.metadata, e.reason, clock_timestamp() as at,
         l.max_attempts > 0 and l.attempt - l.attempts_forgiven >= l.max_attempts and l.origin_topic_id is null as dies,
         coalesce(e.delay, least(l.backoff_cap_seconds,
                                 l.backoff_first_seconds * l.backoff_factor ^ least(60, l.attempt - l.attempts_forgiven - 1)),
                  0) as delay
    from entry e join locked l on l.id = e.id
   where l.state = 'leased' and l.lease_token = e.token and l.namespace = e.namespace
     and l.lease_expires_at > clock_timestamp() and comes_after(l.writer)
   order by l.id, e.n
), changed as (
  update items i
     set state = case when not v.dies and v.delay > 0 then 'delayed' else 'ready' end,
         deliver_after = case when v.dies then v.at when v.delay > 0 then v.at + make_interval(secs => v.delay)
                              else i.deliver_after end,
         metadata = coalesce(v.metadata::json, i.metadata),
         last_reason = v.reason,
         topic_id = case when v.dies then dead_topic_of(v.topic_id) else v.topic_id end,
         origin_topic_id = case when v.dies then v.topic_id else i.origin_topic_id end,
         died_at = case when v.dies then v.at else i.died_at end,
         attempts_forgiven = case when v.dies then i.attempt else i.attempts_forgiven end,
         expires_at = case when v.dies then null else i.expires_at end,
         lease_token = null, lease_holder = null, lease_acquired_at = null, lease_expires_at = null, ticket = null,
         ticket_sequence = null
    from live v where i.id = v.id
  returning v.n, i.id, i.topic_id, i.state, i.priority, i.deliver_after, i.namespace, i.attempt, v.topic_id as topic_before,
            v.dies, v.actor, v.reason, v.at, v.ticket
), event_rows as (
  insert into events (position, namespace, topic_id, item_id, type, actor, at, attempt, reason)
  select (select event_position()), namespace, topic_before, id, case when dies then 'DEAD_LETTERED' else 'NACKED' end, actor,
         at, attempt, reason
    from changed
)
select e.n::integer as n, case when c.id is null then 'refused' when c.dies then 'dead' else 'returned' end as outcome,
       c.ticket, c.topic_id, c.state, c.priority, c.deliver_after
  from entry e left join changed c on c.n = e.n
