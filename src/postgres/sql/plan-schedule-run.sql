-- $1 to $8: see functions/plan_schedule_run.sql.
select plan_schedule_run($1::uuid, $2::integer, $3::uuid, $4::boolean, $5::timestamptz, $6::uuid, $7::uuid, $8::integer) as outcome
