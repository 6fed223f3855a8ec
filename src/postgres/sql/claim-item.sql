-- $1 item id  $2 namespace  $3 system  $4 holder  $5 token  $6 lease seconds (null: the topic's)
-- $7 how many leases the holder may have (null: any number)  $8 who may never take it text[]
-- See functions/claim_item.sql.
select outcome, holder, acquired_at, expires_at, ticket, server_time
  from claim_item($1::uuid, $2::text, $3::text, $4::text, $5::uuid, $6::integer, $7::integer, $8::text[])
