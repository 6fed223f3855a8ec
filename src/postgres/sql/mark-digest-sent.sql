-- $1 digest id  $2 part  $3 round  $4 message id. See functions/mark_digest_sent.sql.
select mark_digest_sent($1::uuid, $2::integer, $3::integer, $4::text)
