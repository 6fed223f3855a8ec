-- $1 to $8: see functions/take_queue_items.sql.
select * from take_queue_items($1::integer, $2::text[], $3::integer[], $4::integer[], $5::uuid[],
                               $6::integer, $7::timestamptz, $8::uuid)
