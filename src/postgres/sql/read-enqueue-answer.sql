-- What a call was answered. $1 namespace  $2 enqueuer  $3 idempotency key
select k.request_hash, a.answers, a.duplicates, a.created_at
  from idempotency_keys k join enqueue_answers a on a.id = k.result_id
 where k.namespace = $1::text and k.actor = $2::text and k.operation = 'enqueue' and k.key = $3::text
