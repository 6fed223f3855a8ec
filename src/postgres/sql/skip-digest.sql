-- $1 id  $2 who  $3 why  $4 version of the recipient  $5, $6 the next window. See functions/skip_digest.sql.
select skip_digest($1::uuid, $2::text, $3::text, $4::integer, $5::timestamptz, $6::timestamptz) as outcome
