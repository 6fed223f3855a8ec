-- $1 namespace  $2 name  $3 whether it is deleted  $4 who  $5 why: see functions/hold_task_schedule.sql.
select hold_task_schedule($1::text, $2::text, $3::boolean, $4::text, $5::text) as was_there
