-- Writes a batch of answers down, each with its place in the open digest of its customer. One row an answer, in any order:
-- 'answered', 'repeated' (the very same answer stands already), 'before' (another one does), 'cancelled', 'closed',
-- 'unknown', or 'window' (the customer's window is another one now: work it out anew and come again).
-- only_provider: whose requests these must be (null: anybody's). No request may stand twice in one batch.
create or replace function respond_to_requests(
  wanted_namespace text,
  ids uuid[],
  outcomes text[],
  notes text[],
  actor_name text,
  only_provider uuid,
  recipient_ids uuid[],
  versions integer[],
  starts timestamptz[],
  ends timestamptz[]
) returns table (n integer, outcome text)
language plpgsql volatile as $$
declare
  opened_of uuid[];
  opened_ids uuid[];
  moment timestamptz;
begin
  perform 1 from requests r where r.id = any (ids) and r.namespace = wanted_namespace order by r.id for update;
  select coalesce(array_agg(o.recipient), '{}'), coalesce(array_agg(o.digest), '{}') into opened_of, opened_ids
    from open_digests(recipient_ids, versions, starts, ends) o;
  -- What waits in a window needs not be asked any more. Its sealing waits until this is committed.
  perform 1 from digests d
   where d.state = 'OPEN' and d.id in (select i.digest_id from digest_items i where i.request_id = any (ids))
   order by d.id for share;
  moment := clock_timestamp();
  return query
    with entry as materialized (
      select e.ordinal::integer as place, e.outcome as wanted_outcome, e.note as wanted_note, r.id, o.digest,
             case when r.id is null then 'unknown'
                  when r.cancelled_at is not null then 'cancelled'
                  when r.outcome = e.outcome and r.note is not distinct from e.note then 'repeated'
                  when r.answered_at is not null then 'before'
                  when r.closed_at is not null then 'closed'
                  when o.digest is null then 'window'
                  else 'answered' end as verdict
        from unnest(ids, outcomes, notes) with ordinality as e (id, outcome, note, ordinal)
        left join requests r on r.id = e.id and r.namespace = wanted_namespace
                             and (only_provider is null or r.provider_id = only_provider)
        left join unnest(opened_of, opened_ids) as o (recipient, digest) on o.recipient = r.customer_id
    ), request_rows as (
      update requests r
         set outcome = e.wanted_outcome, note = e.wanted_note, answered_by = actor_name, answered_at = moment,
             follow_up_at = null
        from entry e where r.id = e.id and e.verdict = 'answered'
    ), dropped as (
      delete from digest_items i using entry e, digests d
       where i.request_id = e.id and e.verdict = 'answered' and d.id = i.digest_id and d.state = 'OPEN'
         and i.kind in ('REQUEST', 'REMINDER', 'FOLLOW_UP')
    ), item_rows as (
      insert into digest_items (request_id, kind, digest_id)
      select e.id, 'ANSWER', e.digest from entry e where e.verdict = 'answered'
    ), event_rows as (
      insert into events (position, namespace, topic_id, item_id, type, actor, at, reason)
      select (select event_position()), wanted_namespace, (select digest_topic(wanted_namespace, 'requests')), e.id, 'ANSWERED',
             actor_name, moment, e.wanted_outcome
        from entry e where e.verdict = 'answered'
    )
    select e.place, e.verdict from entry e;
end
$$;
