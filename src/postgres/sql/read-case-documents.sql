-- Documents of cases, in their cases' order. $1 case ids uuid[]
select id, case_id, namespace, kind, file_name, content_type, size_bytes::float8 as size_bytes, sha256
  from documents where case_id = any ($1::uuid[])
 order by case_id, place
