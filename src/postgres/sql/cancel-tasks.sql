-- $1 namespace  $2 task ids uuid[]  $3 who text  $4 why text (or null): see functions/cancel_tasks.sql.
select * from cancel_tasks($1::text, $2::uuid[], $3::text, $4::text)
