-- Keeps where a case's audit trail was written, if there is the case. $1 case id  $2 namespace  $3 blob key  $4 bytes  $5 SHA-256
-- One row when it was kept, with the blob key of the export before (or null).
with found as (
  select id, namespace from cases where id = $1::uuid and namespace = $2::text for share
), before as materialized (
  select case_id, blob_key from case_exports where case_id = $1::uuid
), kept as (
  insert into case_exports (case_id, namespace, blob_key, size_bytes, sha256)
  select id, namespace, $3::text, $4::integer, $5::text from found
  on conflict (case_id) do update
     set blob_key = excluded.blob_key, size_bytes = excluded.size_bytes, sha256 = excluded.sha256,
         created_at = clock_timestamp()
  returning case_id
), forgotten as (
  delete from blob_attempts where key = $3::text and exists (select from kept)
)
select b.blob_key as before from kept k left join before b on b.case_id = k.case_id
