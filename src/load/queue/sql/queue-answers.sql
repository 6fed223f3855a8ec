-- What each idempotency key of a namespace has enqueued. $1 namespace
select k.actor as "client", k.key,
       array(select x ->> 'id' from json_array_elements(a.answers) x where x ->> 'kind' = 'enqueued') as "itemIds"
  from idempotency_keys k join enqueue_answers a on a.id = k.result_id
 where k.namespace = $1::text and k.operation = 'enqueue'
