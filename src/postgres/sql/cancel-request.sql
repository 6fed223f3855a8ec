-- Takes a request back. Parameters: see functions/cancel_request.sql.
select cancel_request($1::uuid, $2::text, $3::text, $4::integer, $5::timestamptz, $6::timestamptz) as outcome
