-- Decides a batch of cases, each under its fencing token: the decision, the event, and the item's end.
-- $1 case ids uuid[]  $2 lease tokens uuid[]  $3 holders text[]  $4 namespaces text[]
-- $5 verdicts text[]  $6 reasons text[]  $7 idempotency keys text[] (or null)  $8 request hashes text[]
-- One row an entry, with the case when its outcome is 'decided'; 'refused' otherwise, and nothing of it changed.
-- The rows are locked by primary key first and judged after the wait, by the database's clock. No case may stand
-- twice in one batch.
with entry as materialized (
  select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
    with ordinality as e (id, token, holder, namespace, verdict, reason, idempotency_key, request_hash, n)
), locked as materialized (
  select i.id, i.namespace, i.topic_id, i.state, i.attempt, i.lease_token, i.lease_holder, i.lease_expires_at, i.ticket,
         i.xmin as writer
    from items i where i.id = any ($1::uuid[])
   order by i.id
     for update
), live as materialized (
  select e.*, l.topic_id, l.attempt, l.ticket, clock_timestamp() as at
    from entry e join locked l on l.id = e.id
   where l.state = 'leased' and l.lease_token = e.token and l.lease_holder = e.holder and l.namespace = e.namespace
     and l.lease_expires_at > clock_timestamp() and comes_after(l.writer)
), keyed as (
  insert into idempotency_keys (namespace, actor, operation, key, request_hash, result_id)
  select namespace, holder, 'decide', idempotency_key, request_hash, id from live where idempotency_key is not null
  on conflict do nothing
  returning result_id
), accepted as materialized (
  select * from live where idempotency_key is null or id in (select result_id from keyed)
), finished as (
  delete from items i using accepted a where i.id = a.id
), decided as (
  update cases c set verdict = a.verdict, decision_reason = a.reason, decided_by = a.holder, decided_at = a.at
    from accepted a
   where c.id = a.id
  returning c.*
), event_rows as (
  insert into events (position, namespace, topic_id, item_id, type, actor, at, attempt, reason)
  select (select event_position()), namespace, topic_id, id, case verdict when 'APPROVE' then 'APPROVED' else 'REJECTED' end,
         holder, at, attempt, reason
    from accepted
)
-- part
select e.n::integer as n, case when d.id is null then 'refused' else 'decided' end as outcome, a.ticket,
       d.topic_id, d.registrant, d.applicant_name, d.applicant_email, d.applicant_details, d.priority, d.region,
       d.registered_at, d.decided_at
  from entry e left join accepted a on a.n = e.n left join decided d on d.id = e.id and a.id is not null
