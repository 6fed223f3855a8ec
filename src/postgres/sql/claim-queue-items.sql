-- $1 to $11: see functions/claim_queue_items.sql.
select * from claim_queue_items($1::integer, $2::text[], $3::uuid[], $4::integer[], $5::integer[], $6::timestamptz[],
                                $7::text[], $8::bigint[], $9::integer, $10::timestamptz, $11::uuid)
