-- Answers requests. Parameters and columns: see functions/respond_to_requests.sql.
select * from respond_to_requests($1::text, $2::uuid[], $3::text[], $4::text[], $5::text, $6::uuid, $7::uuid[], $8::integer[],
                                  $9::timestamptz[], $10::timestamptz[])
