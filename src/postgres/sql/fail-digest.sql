-- $1 digest id  $2 part  $3 round  $4 what  $5 whether the address refuses mail. See functions/fail_digest.sql.
select fail_digest($1::uuid, $2::integer, $3::integer, $4::text, $5::boolean)
