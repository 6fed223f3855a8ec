-- Registers a batch of cases, each whole or not at all: the case, its documents, its first event and its item.
-- $1 ids uuid[]            $2 topic ids int[]       $3 namespaces text[]   $4 registrants text[]
-- $5 applicant names text[] $6 e-mails text[]       $7 details text[] (JSON or null)
-- $8 priorities int[]      $9 regions text[]        $10 idempotency keys text[] (or null)  $11 request hashes text[]
-- documents of all entries: $12 entry numbers int[] (from 1)  $13 document ids uuid[]  $14 kinds text[]  $15 places int[]
-- $16 how many documents each entry names int[]
-- One row an entry: outcome 'registered', 'documents' (one is missing, foreign, not uploaded or used already) or
-- 'key' (the idempotency key was used before). No document may be named twice in one batch.
with moment as materialized (
  select clock_timestamp() as at
), entry as materialized (
  select * from unnest($1::uuid[], $2::integer[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                       $8::integer[], $9::text[], $10::text[], $11::text[], $16::integer[])
    with ordinality as e (id, topic_id, namespace, registrant, applicant_name, applicant_email, applicant_details,
                          priority, region, idempotency_key, request_hash, document_count, n)
), named as materialized (
  select * from unnest($12::integer[], $13::uuid[], $14::text[], $15::integer[]) as d (n, document_id, kind, place)
), usable as materialized (
  select d.id, d.namespace, d.uploader from documents d
   where d.id = any ($13::uuid[]) and d.state = 'STORED'
   order by d.id
     for update of d
), complete as materialized (
  select e.* from entry e
   where e.document_count = (
     select count(*) from named n join usable u on u.id = n.document_id
      where n.n = e.n and u.namespace = e.namespace and u.uploader = e.registrant)
), keyed as (
  insert into idempotency_keys (namespace, actor, operation, key, request_hash, result_id)
  select c.namespace, c.registrant, 'register', c.idempotency_key, c.request_hash, c.id
    from complete c where c.idempotency_key is not null
  on conflict do nothing
  returning result_id
), accepted as materialized (
  select c.*, m.at from complete c cross join moment m
   where c.idempotency_key is null or c.id in (select result_id from keyed)
), attached as (
  update documents d set state = 'ATTACHED', case_id = a.id, kind = n.kind, place = n.place
    from named n join accepted a on a.n = n.n
   where d.id = n.document_id
), case_rows as (
  insert into cases (id, namespace, topic_id, registrant, applicant_name, applicant_email, applicant_details, priority,
                     region, registered_at)
  select id, namespace, topic_id, registrant, applicant_name, applicant_email, applicant_details::jsonb, priority,
         region, at
    from accepted
), item_rows as (
  insert into items (id, namespace, topic_id, priority, deliver_after, state, excluded)
  select id, namespace, topic_id, priority, at, 'ready', array[registrant] from accepted
), event_rows as (
  insert into events (position, namespace, topic_id, item_id, type, actor, at)
  select (select event_position()), namespace, topic_id, id, 'REGISTERED', registrant, at from accepted
)
-- part
select e.n::integer as n,
       case when a.id is not null then 'registered' when c.id is not null then 'key' else 'documents' end as outcome,
       a.at
  from entry e left join accepted a on a.n = e.n left join complete c on c.n = e.n
