-- $1 namespace  $2 system  $3 name
select id from topics where namespace = $1::text and system = $2::text and name = $3::text
