-- $1 ids uuid[]  $2 namespace  $3 uploader
select id, state from documents where id = any ($1::uuid[]) and namespace = $2::text and uploader = $3::text
