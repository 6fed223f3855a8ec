-- $1 to $22: see functions/create_jobs.sql.
select * from create_jobs($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::integer[],
                          $9::uuid[], $10::integer[], $11::text[], $12::text[], $13::integer[], $14::timestamptz[],
                          $15::integer[], $16::integer[], $17::text[], $18::text[], $19::text[], $20::text[], $21::uuid[],
                          $22::uuid[])
