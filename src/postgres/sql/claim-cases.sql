-- The engine's claim with the claimed cases' own rows. $1 to $11: see functions/claim_items.sql.
select c.*, r.namespace, r.topic_id, r.registrant, r.applicant_name, r.applicant_email, r.applicant_details, r.priority, r.region, r.registered_at
  from claim_items($1::integer, $2::text[], $3::uuid[], $4::integer[], $5::integer[], $6::timestamptz[], $7::text[],
                   $8::bigint[], $9::integer, $10::timestamptz, $11::uuid) c
  left join cases r on r.id = c.item_id
