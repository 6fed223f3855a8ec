-- Forgets idempotency keys that are older than $1 seconds, at most $2 at a time.
delete from idempotency_keys k
 using (select namespace, actor, operation, key from idempotency_keys
         where created_at < clock_timestamp() - make_interval(secs => $1::integer)
         order by created_at limit $2::integer for update skip locked) as old
 where k.namespace = old.namespace and k.actor = old.actor and k.operation = old.operation and k.key = old.key
returning 1 as one
