-- $1 to $8: see functions/finish_tasks.sql.
select * from finish_tasks($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[])
