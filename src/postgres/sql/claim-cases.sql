-- The engine's claim with the claimed cases' own rows. $1 to $11: see functions/claim_items.sql.
-- The cases are looked up after the claim, with a later snapshot: one that was registered while this statement ran may
-- be the best to claim.
with claimed as materialized (
  select * from claim_items($1::integer, $2::text[], $3::uuid[], $4::integer[], $5::integer[], $6::timestamptz[], $7::text[],
                            $8::bigint[], $9::integer, $10::timestamptz, $11::uuid)
)
select c.*, r.namespace, r.topic_id, r.registrant, r.applicant_name, r.applicant_email, r.applicant_details, r.priority, r.region, r.registered_at
  from claimed c
  left join find_cases((select array_agg(item_id) from claimed where item_id is not null)) r on r.id = c.item_id
