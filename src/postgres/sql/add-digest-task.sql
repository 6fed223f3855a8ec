-- $1 digest id  $2 kind  $3 payload  $4 due  $5 attempts at most. See functions/add_digest_task.sql.
select add_digest_task($1::uuid, $2::text, $3::jsonb, $4::timestamptz, $5::integer)
