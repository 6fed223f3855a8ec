-- $1 id  $2 who. See functions/flush_digest.sql.
select flush_digest($1::uuid, $2::text) as done
