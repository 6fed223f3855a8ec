-- Submits a batch of requests. Parameters and columns: see functions/submit_requests.sql.
select * from submit_requests($1::uuid[], $2::text[], $3::uuid[], $4::integer[], $5::timestamptz[], $6::timestamptz[],
                              $7::uuid[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[],
                              $14::integer[], $15::integer[], $16::text[], $17::text[], $18::text[])
