-- $1 task ids uuid[]: see functions/end_exhausted_tasks.sql.
select * from end_exhausted_tasks($1::uuid[])
