-- $1 to $23: see functions/create_keyed_job.sql.
select * from create_keyed_job($1::uuid, $2::text, $3::text, $4::text, $5::text, $6::text, $7::text, $8::uuid[], $9::integer[],
                               $10::text[], $11::text[], $12::integer[], $13::timestamptz[], $14::integer[], $15::integer[],
                               $16::text[], $17::text[], $18::text[], $19::text[], $20::uuid[], $21::uuid[], $22::text[],
                               $23::integer[])
