-- Announces documents whose bytes are to come. $1 ids uuid[]  $2 namespaces text[]  $3 uploaders text[]
-- $4 file names text[]  $5 content types text[]  $6 sizes bigint[]  $7 digests text[] (hexadecimal)
-- $8 how many unattached documents one uploader may have
-- One row for each that was accepted.
with entry as materialized (
  select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[])
    as e (id, namespace, uploader, file_name, content_type, size_bytes, sha256)
), uploaders as materialized (
  select u.namespace, u.uploader,
         (select count(*) from (select from documents d where d.namespace = u.namespace and d.uploader = u.uploader
                                   and d.case_id is null limit $8::integer) as waiting) as unattached
    from (select distinct namespace, uploader from entry) as u
)
insert into documents (id, namespace, uploader, file_name, content_type, size_bytes, sha256, state)
select e.id, e.namespace, e.uploader, e.file_name, e.content_type, e.size_bytes, e.sha256, 'AWAITING'
  from entry e join uploaders u on u.namespace = e.namespace and u.uploader = e.uploader
 where u.unattached < $8::integer
returning id
