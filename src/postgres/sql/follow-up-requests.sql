-- Follows requests up. Parameters: see functions/follow_up_requests.sql.
select follow_up_requests($1::uuid, $2::uuid, $3::uuid[], $4::uuid[], $5::integer[], $6::timestamptz[], $7::timestamptz[])
       as done
