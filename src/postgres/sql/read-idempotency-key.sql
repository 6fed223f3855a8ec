-- $1 namespace  $2 actor  $3 operation  $4 key
select result_id, request_hash from idempotency_keys
 where namespace = $1::text and actor = $2::text and operation = $3::text and key = $4::text
