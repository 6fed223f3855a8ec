-- Where a case's audit trail was written. $1 case id
select namespace, blob_key, size_bytes, sha256, created_at from case_exports where case_id = $1::uuid
