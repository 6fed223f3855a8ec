-- The events of items, one row each, also of those that were written for several items at once. For reading much of the
-- record; what looks for one item asks the table, whose indexes know each.
create or replace view item_events as
select e.position, e.sequence, e.namespace, e.topic_id, e.item_id, e.type, e.actor, e.at, e.attempt, e.lease_expires_at, e.reason
  from events e
 where e.item_ids is null
union all
select e.position, e.sequence, e.namespace, e.topic_id, i.id, e.type, e.actor, e.at, e.attempts[i.n], e.lease_ends[i.n],
       e.tokens[i.n]::text
  from events e cross join lateral unnest(e.item_ids) with ordinality as i (id, n)
 where e.item_ids is not null
