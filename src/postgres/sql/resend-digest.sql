-- $1 id  $2 who  $3 why. See functions/resend_digest.sql.
select resend_digest($1::uuid, $2::text, $3::text) as done
