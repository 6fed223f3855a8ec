-- $1 to $18: see functions/save_task_schedule.sql.
select save_task_schedule($1::uuid, $2::text, $3::text, $4::integer, $5::text, $6::text, $7::integer, $8::integer, $9::text,
                          $10::text, $11::text, $12::text, $13::text, $14::text, $15::timestamptz, $16::uuid, $17::uuid,
                          $18::integer) as outcome
